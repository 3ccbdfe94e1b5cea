//! TLS of one client: no global provider is installed, and the program may use another one.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// Returns the settings of TLS, with the certificates of the system if they are needed.
///
/// Loading them takes time, and fails on systems that have none.
pub(crate) fn config(is_needed: bool) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(if is_needed {
        builder.with_platform_verifier()?.with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_global_provider_is_installed() {
        crate::Client::builder().base_url("https://mlbench.example").build().unwrap();
        crate::Client::builder().build().unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
