//! Worker pods as processes of this machine: the embedded default.
