"""`ringfence doctor`: what is wrong on this node and in its site, and what to do about each.

finding        one answer: how it stands, what was seen, what to do
certificates   facts about certificates → findings; pure, like the next eight
clock          the machine's time, beside the egress log's
ways           whether the agent gets to its providers
selftest       whether each process shut itself in, and found no way out
memory         whether content could reach a disk: core dumps, swap
places         who can read and write what; room on disks
units          the walls that systemd keeps, as they are in force
egresslog      the newest checkpoint, beside what was witnessed
site           models, policy, devices, providers, and the daemon's own checks
look_*         gather the facts: files, the machine, systemd, ways, the daemon
as_agent       a process that connects as the agent would
command        the command
"""
