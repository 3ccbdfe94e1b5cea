//! Binds the listeners, before anything else starts: a server that cannot listen leaves no trace.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use crate::app::access::AuthPolicy;
use crate::http::{HttpConfig, Surface};
use crate::settings::Settings;
use crate::token::Token;

/// A bound listener.
pub(super) struct BoundListener {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) config: HttpConfig,
}

/// The listeners of a server.
pub(super) struct Listeners {
    /// The whole API.
    pub(super) api: BoundListener,
    /// Metrics of active runs without a token.
    pub(super) ingest: Option<BoundListener>,
}

impl Listeners {
    /// Binds the listeners and reads the token.
    ///
    /// # Errors
    /// A message for the operator.
    pub(super) async fn bind(settings: &Settings) -> Result<Self, String> {
        let policy = match &settings.token_file {
            Some(file) => AuthPolicy::Bearer {
                operator: Token::read("--token-file", file)?.hash(),
                metrics: metrics_token(settings, file)?.map(|token| token.hash()),
            },
            None => AuthPolicy::Open,
        };
        let config =
            |surface| HttpConfig { allowed_hosts: settings.host_names(), ..HttpConfig::new(surface) };
        let api = BoundListener::bind("--listen", settings.listen, config(Surface::Api(policy))).await?;
        let ingest = match settings.ingest_listen {
            Some(address) => {
                Some(BoundListener::bind("--ingest-listen", address, config(Surface::Ingest)).await?)
            }
            None => None,
        };
        Ok(Self { api, ingest })
    }

    /// Returns whether requests need a token.
    pub(super) const fn requires_token(&self) -> bool {
        matches!(self.api.config.surface, Surface::Api(AuthPolicy::Bearer { .. }))
    }

    /// Logs the addresses.
    pub(super) fn log_addresses(&self) {
        let address = self.api.address;
        tracing::info!("listening on http://{address}");
        if !self.requires_token() && !address.ip().is_loopback() {
            tracing::warn!(
                "{address} requires no token: anyone who reaches it can run programs on this machine"
            );
        }
        if let Some(BoundListener { address, .. }) = self.ingest {
            tracing::info!("accepting metrics of active runs without a token on http://{address}");
        }
    }
}

impl BoundListener {
    async fn bind(flag: &str, address: SocketAddr, config: HttpConfig) -> Result<Self, String> {
        let refused = |error: io::Error| cannot_listen(flag, address, &error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, config })
    }
}

/// Reads the token that may only read the server's own metrics.
fn metrics_token(settings: &Settings, operator: &Path) -> Result<Option<Token>, String> {
    let flag = "--metrics-token-file";
    let Some(file) = &settings.metrics_token_file else { return Ok(None) };
    let token = Token::read(flag, file)?;
    if token == Token::read("--token-file", operator)? {
        let name = file.display();
        return Err(format!(
            "{flag} {name}: holds the token of --token-file, which may do everything; create another one"
        ));
    }
    Ok(Some(token))
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{flag} {address}: another program uses this port; stop it or choose another port (0 picks a free one)"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("{flag} {address}: not permitted; choose a port above 1023 or run with more privileges")
        }
        _ => format!("{flag} {address}: {error}"),
    }
}
