//! The REST API over HTTP/1.1. Only this folder knows warp, hyper and status codes.
//!
//! A request passes `connection` → `service` → `router` → `handlers`; a handler reads it with `request` and responds with
//! `response`. A handler returns `Result<Response, Error>`: the error travels to `service` in an extension of an empty
//! response, where it becomes a problem document.

mod auth;
mod config;
mod connection;
mod handler;
mod handlers;
mod mlflow;
mod page;
mod problem;
mod request;
mod request_metrics;
mod response;
mod router;
mod service;

#[cfg(test)]
mod tests;

pub use config::{HttpConfig, Surface};
pub use connection::HttpServer;
pub use page::Page;
