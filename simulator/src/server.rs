//! An account behind a listener.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    runtime::Handle,
    sync::oneshot,
    task::JoinHandle,
};

use super::{account::Simulator, api, control};

impl Simulator {
    /// The platform's routes and the control routes, to be served by any server. It can be merged
    /// into another router. The integration API is among them, unless
    /// [`Settings::integration_elsewhere`](super::Settings::integration_elsewhere) says otherwise.
    pub fn router(&self) -> Router {
        let router = api::messaging_router(self).merge(control::router(self));
        if self.inner.settings.integration_elsewhere {
            router
        } else {
            router.merge(api::integration_router(self))
        }
    }

    /// The routes of the integration API alone, for a host of its own.
    pub fn integration_router(&self) -> Router {
        api::integration_router(self)
    }

    /// Serves the integration API at an address of its own.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn serve_integration(&self, address: impl ToSocketAddrs) -> io::Result<Running> {
        let listener = TcpListener::bind(address).await?;
        self.run(listener, self.integration_router())
    }

    /// Serves the account at this address, such as `127.0.0.1:0` for any free port.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn serve(&self, address: impl ToSocketAddrs) -> io::Result<Running> {
        self.serve_on(TcpListener::bind(address).await?)
    }

    /// Serves the account on a listener that is already bound.
    ///
    /// # Errors
    ///
    /// When the listener cannot say its address.
    pub fn serve_on(&self, listener: TcpListener) -> io::Result<Running> {
        let address = listener.local_addr()?;
        self.change(|state| {
            state
                .public_url
                .get_or_insert_with(|| format!("http://{address}"));
        });
        self.run(listener, self.router())
    }

    fn run(&self, listener: TcpListener, router: Router) -> io::Result<Running> {
        let address = listener.local_addr()?;
        // A handle that is set already is as good.
        let _ = self.inner.runtime.set(Handle::current());
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // Either a message or the sender's end means: stop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async { server.await });
        Ok(Running {
            simulator: self.clone(),
            address,
            stop: Some(stop),
            task,
        })
    }
}

/// A simulator being served; it stops when this is dropped. The account itself goes on: it can be
/// served again, on the same port too, as after an outage.
#[derive(Debug)]
pub struct Running {
    simulator: Simulator,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// The address to give to a bridge as `base_url`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account that is served.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Stops and waits until the port is free. Calls under way are finished, those that a fault
    /// delays for long are not waited for.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // Whether the server ended well, or at all, no longer matters to anybody.
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.task).await;
        self.task.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}
