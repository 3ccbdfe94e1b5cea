//! What `deploy/` has for operators, checked without a cluster and without a running systemd.

mod helm;
mod systemd;
