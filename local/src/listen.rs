//! Where something on this machine listens, and until when.

use std::net::SocketAddr;

/// An address to listen on; a port alone is one of this machine.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let local = |port: &str| format!("127.0.0.1:{port}");
    let full = match text.rsplit_once(':') {
        None => local(text),
        Some(("" | "localhost", port)) => local(port),
        Some(_) => text.to_owned(),
    };
    full.parse().map_err(|_| {
        "expected an address and a port as 127.0.0.1:3000 or [::1]:3000, or a port as 3000"
            .to_owned()
    })
}

/// Resolves at Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_may_be_a_port_alone() {
        let local = "127.0.0.1:3000".parse();
        for text in ["3000", ":3000", "localhost:3000", "127.0.0.1:3000"] {
            assert_eq!(
                address(text),
                local.clone().map_err(|_| String::new()),
                "{text}"
            );
        }
        assert!(address("[::1]:3000").is_ok_and(|address| address.is_ipv6()));
        for odd in ["", "x", "example.com:3000", "127.0.0.1", "70000", "::1"] {
            let error = address(odd).expect_err(odd);
            assert!(error.contains("3000"), "{error}");
        }
    }
}
