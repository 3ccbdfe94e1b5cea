//! Runs: starting, following and ending.

mod commands;
mod compare;
mod ends;
mod environment;
mod goal;
mod life;
mod logs;
mod one_at_a_time;
