//! The ports of a server, taken before anything else is started: a server that cannot listen leaves no trace.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::app::access::AuthPolicy;
use crate::http::{HttpConfig, Surface};
use crate::settings::Settings;
use crate::token::Token;

/// A port that was taken.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) config: HttpConfig,
}

/// The ports of a server.
pub(super) struct Ports {
    /// The whole API.
    pub(super) api: Port,
    /// Metrics of active runs, without a token.
    pub(super) ingest: Option<Port>,
}

impl Ports {
    /// Takes the ports and reads the token.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(super) async fn take(settings: &Settings) -> Result<Self, String> {
        let policy = match &settings.token_file {
            Some(file) => AuthPolicy::Bearer(Token::read(file)?.hash()),
            None => AuthPolicy::Open,
        };
        let config = |surface| HttpConfig {
            allowed_hosts: settings.allowed_hosts.clone(),
            ..HttpConfig::new(surface)
        };
        let api = Port::take("--listen", settings.listen, config(Surface::Api(policy))).await?;
        let ingest = match settings.ingest_listen {
            Some(address) => Some(Port::take("--ingest-listen", address, config(Surface::Ingest)).await?),
            None => None,
        };
        Ok(Self { api, ingest })
    }

    /// Whether a request needs a token.
    pub(super) const fn asks_for_a_token(&self) -> bool {
        matches!(self.api.config.surface, Surface::Api(AuthPolicy::Bearer(_)))
    }

    /// Says who comes in where.
    pub(super) fn announce(&self) {
        let address = self.api.address;
        tracing::info!("listening on http://{address}");
        if !self.asks_for_a_token() && !address.ip().is_loopback() {
            tracing::warn!("whoever reaches {address} can run programs here: it asks for no token");
        }
        if let Some(Port { address, .. }) = self.ingest {
            tracing::info!("taking metrics of active runs on http://{address}, without a token");
        }
    }
}

impl Port {
    async fn take(flag: &str, address: SocketAddr, config: HttpConfig) -> Result<Self, String> {
        let refused = |error: io::Error| cannot_listen(flag, address, &error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, config })
    }
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{flag} {address}: the port is taken by another program; stop that one or choose another port (0 takes a \
             free one)"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("{flag} {address}: ports below 1024 need a privilege; choose another port")
        }
        _ => format!("{flag} {address}: {error}"),
    }
}
