"""`ringfence install` and `ringfence uninstall`: units, users, folders and templates, where systemd looks for them.

shipped    the files that come with the package, and where each belongs
plan       what is there and what ships → what to do about each; pure
root       a machine's root, or a folder that becomes one: looked at, written to, cleared
leaving    what goes and what stays when Ringfence goes; pure
system     what only a running machine needs: users, folders in /run, systemd told
installation  the first of the two, planned and done; the standard library alone
command    the two commands
plain      the first without a library for command lines, as in the agent's set
"""
