//! The one HTTP connector under all clients, and the plain question "who is there?" over it.

use std::time::Duration;

use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use url::Url;

use super::ConnectionSettings;

/// Whether the environment's proxies are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxies {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` hold.
    FromEnvironment,
    /// Straight to the host, whatever the environment says.
    Never,
}

/// A connector with an unbounded pool: the engine's concurrency limit is what bounds connections.
///
/// `secure` loads the TLS stack and the system's certificates, which plain HTTP can do without.
pub(crate) fn connector(settings: &ConnectionSettings, proxies: Proxies, secure: bool) -> SharedHttpConnector {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(settings.connect_timeout).build();
    let builder = Connector::builder()
        .connector_settings(timeouts)
        .pool_idle_timeout(settings.keep_alive)
        .pool_max_idle_per_host(usize::MAX)
        .proxy_config(match proxies {
            Proxies::FromEnvironment => ProxyConfig::from_env(),
            Proxies::Never => ProxyConfig::disabled(),
        });
    if secure {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        SharedHttpConnector::new(builder.tls_provider(provider).build())
    } else {
        SharedHttpConnector::new(builder.build_http())
    }
}

/// Hands the same connector to every client, so that all of them share one pool and one TLS configuration.
#[derive(Debug)]
struct OneConnector(SharedHttpConnector);

impl HttpClient for OneConnector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

/// The SDK's view of `connector`.
pub(crate) fn http_client(connector: SharedHttpConnector) -> SharedHttpClient {
    SharedHttpClient::new(OneConnector(connector))
}

/// The longest answer to the question who is there.
const LONGEST_ANSWER: usize = 64 << 10;

/// `GET url` without credentials, proxy or redirects: status and body, at most 64 KiB of it, within `deadline`.
///
/// # Errors
/// One line: what went wrong on the way.
pub(crate) async fn get(url: &Url, deadline: Duration) -> Result<(u16, Bytes), String> {
    let settings = ConnectionSettings { connect_timeout: deadline, ..ConnectionSettings::default() };
    let connector = connector(&settings, Proxies::Never, url.scheme() == "https");
    let exchange = async {
        let request = HttpRequest::get(url.as_str()).map_err(|error| super::message::causes(&error))?;
        let reply = connector.call(request).await.map_err(|error| super::message::causes(&error))?;
        let status = reply.status().as_u16();
        let body = Limited::new(reply.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| super::message::causes(error.as_ref()))?;
        Ok((status, body.to_bytes()))
    };
    tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}
