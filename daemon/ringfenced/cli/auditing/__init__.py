"""What security teams do with the egress log every day: search it, report on it, export it, watch it.

    search   entries that match, through the daemon
    report   figures   a month, folded into what a page and its tables say; pure
             page, charts, sheets   the same as HTML, SVG and CSV; pure
    export   formats   an entry as OCSF, CEF, RFC 5424 or JSON; pure
             sinks     where they go, and when they have arrived
             cursor    how far that got, durably
    watch    rules     a TOML file
             engine    entries and a clock in, alerts out; pure
             actions   what an alert sets off

All of it reads the log by index, from the daemon or from files, and holds up nothing that writes it.
"""
