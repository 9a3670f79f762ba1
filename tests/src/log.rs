//! What the bridge logs in this process, captured.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use haptik_bridge_shared::telemetry;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// What was logged.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Begins to capture, with `RUST_LOG=trace`: what all tests of this binary log.
    ///
    /// # Panics
    /// When something else captures it already.
    #[must_use]
    pub fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let started = LOG.get_or_init(|| {
            let log = Self::default();
            let lines = fmt::layer().with_ansi(false).with_writer(log.clone());
            let lines = lines
                .with_filter(filter_fn(telemetry::may_be_logged))
                .with_filter(LevelFilter::TRACE);
            tracing_subscriber::registry().with(lines).init();
            log
        });
        started.clone()
    }

    /// All of it so far.
    #[must_use]
    pub fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}
