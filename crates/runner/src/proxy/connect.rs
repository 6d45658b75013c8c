//! Connections to the vendor.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::either::Either;

use super::ProxyError;
use super::address::Address;

/// How long one of the vendor's addresses is tried before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(300);

/// A connection, in the clear to this machine or with TLS.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Makes connections to one address and no other.
#[derive(Clone)]
pub(super) struct Connector {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    longest: Duration,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connector {
    pub(super) fn new(address: Address, longest: Duration) -> Result<Self, ProxyError> {
        let tls = if address.tls {
            let name = ServerName::try_from(address.host.clone()).map_err(|_| ProxyError::Upstream {
                upstream: address.host.clone(),
                problem: "no certificate can have this name",
            })?;
            Some((TlsConnector::from(Arc::new(trusting()?)), name))
        } else {
            None
        };
        Ok(Self { address, tls, longest })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) async fn connect(&self) -> io::Result<Stream> {
        let connecting = async {
            let addresses = lookup_host((self.address.host.as_str(), self.address.port)).await?;
            let stream = first(addresses.collect()).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                Some((tls, name)) => Ok(Either::Right(tls.connect(name.clone(), stream).await?)),
                None => Ok(Either::Left(stream)),
            }
        };
        timeout(self.longest, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Connects to whichever answers first; each has a head start before the next.
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let (mut left, mut tries) = (addresses.into_iter(), JoinSet::new());
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut more = true;
    loop {
        if std::mem::take(&mut more)
            && let Some(address) = left.next()
        {
            tries.spawn(TcpStream::connect(address));
        }
        tokio::select! {
            ended = tries.join_next() => match ended {
                Some(Ok(Ok(stream))) => return Ok(stream),
                Some(Ok(Err(err))) => (last, more) = (err, true),
                Some(Err(err)) => (last, more) = (err.into(), true),
                None if left.len() == 0 => return Err(last),
                None => more = true,
            },
            () = sleep(HEAD_START), if left.len() > 0 => more = true,
        }
    }
}

/// Trust in the certificates of this system.
fn trusting() -> Result<ClientConfig, ProxyError> {
    let fail = |problem: String| ProxyError::Certificates { problem };
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        let problem = found.errors.first().map_or("no certificates were found".to_owned(), ToString::to_string);
        return Err(fail(problem));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|err| fail(err.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
