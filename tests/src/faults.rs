//! What goes wrong with calls: a layer around the router of any fake, and the server that can cut
//! connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::serve::{IncomingStream, Listener};
use http::request::Parts;
use http::{Method, StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The longest body that a fake is sent.
const LONGEST_BODY: usize = 64 << 20;

/// One way for a call to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The provider's answer to too many calls, which may be made again after so many seconds; nothing
    /// happens.
    RateLimited(u64),
    /// The provider's answer to what it refuses for good, by its code; nothing happens.
    Refused(String),
    /// This HTTP status with a body that is not JSON; nothing happens.
    Status(u16),
    /// 200 with a body that is nothing; nothing happens.
    Garbage,
    /// The call is carried out after this long.
    Delay(Duration),
    /// The connection is closed without an answer; nothing happens.
    CutBefore,
    /// The call is carried out, and the connection closed without an answer.
    CutAfter,
    /// The call is carried out, and the connection closed after so many bytes of the answer's body.
    CutWithin(usize),
    /// The call is carried out, and the answer is this HTTP status.
    StatusAfter(u16),
    /// The call is carried out, and answered after this long.
    DelayAfter(Duration),
}

/// How a provider says what it says in its own way.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// Too many calls: the next one in so many seconds.
    fn too_many(&self, seconds: u64) -> Response {
        let retry_after = [(header::RETRY_AFTER, seconds.to_string())];
        (StatusCode::TOO_MANY_REQUESTS, retry_after).into_response()
    }

    /// Refused for good, for the reason of this code.
    fn refused(&self, code: &str) -> Response;
}

/// Which calls are meant.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    method: Option<Method>,
    path: String,
    contents: Vec<String>,
    bearers: Option<Vec<String>>,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Those whose path and query have this in them.
    #[must_use]
    pub fn to(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// Of these, those by this method.
    #[must_use]
    pub fn by(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Of these, those whose body has this in it.
    #[must_use]
    pub fn with(mut self, content: &str) -> Self {
        self.contents.push(content.to_owned());
        self
    }

    /// Of these, those that are made with one of these tokens.
    #[must_use]
    pub fn bearing(mut self, tokens: &[String]) -> Self {
        self.bearers = Some(tokens.to_vec());
        self
    }

    fn mean(&self, parts: &Parts, body: &[u8]) -> bool {
        let has = |content: &String| {
            let mut windows = body.windows(content.len().max(1));
            windows.any(|window| window == content.as_bytes())
        };
        let token = parts.headers.get(header::AUTHORIZATION);
        let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_one = |tokens: &Vec<String>| {
            token.is_some_and(|token| tokens.iter().any(|known| known == token))
        };
        let method = self.method.as_ref();
        method.is_none_or(|method| method == parts.method)
            && parts.uri.to_string().contains(&self.path)
            && self.contents.iter().all(has)
            && self.bearers.as_ref().is_none_or(is_one)
    }
}

/// A call that failed, or was made to come late.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The path and the query.
    pub uri: String,
    /// How.
    pub fault: Fault,
}

/// The faults of one fake. Clones are the same faults.
#[derive(Clone, Debug)]
pub struct Faults {
    known: Arc<Mutex<Known>>,
    dialect: Arc<dyn Dialect>,
}

#[derive(Debug, Default)]
struct Known {
    to_come: Vec<Rule>,
    is_down: bool,
    failed: Vec<Failed>,
}

#[derive(Debug)]
struct Rule {
    calls: Calls,
    remaining: usize,
    fault: Fault,
}

impl Faults {
    fn new(dialect: Arc<dyn Dialect>) -> Self {
        Self {
            known: Arc::default(),
            dialect,
        }
    }

    /// The next so many of these calls go wrong. Faults of the same calls happen in the order in which
    /// they were added; a delay comes with the one after it.
    pub fn add(&self, calls: Calls, times: usize, fault: Fault) {
        self.change(|all| {
            all.to_come.push(Rule {
                calls,
                remaining: times,
                fault,
            });
        });
    }

    /// While down, every connection is closed without an answer.
    pub fn set_down(&self, down: bool) {
        self.change(|all| all.is_down = down);
    }

    /// Takes back what is still to come, and returns for how many calls it was.
    #[expect(
        clippy::must_use_candidate,
        reason = "it is called for its effect as well"
    )]
    pub fn clear(&self) -> usize {
        self.change(|all| {
            let remaining = all.to_come.drain(..).map(|rule| rule.remaining);
            remaining.fold(0, usize::saturating_add)
        })
    }

    /// What failed so far, oldest first.
    #[must_use]
    pub fn failed(&self) -> Vec<Failed> {
        self.change(|all| all.failed.clone())
    }

    fn change<R>(&self, change: impl FnOnce(&mut Known) -> R) -> R {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The fault of this call, used up by it.
    fn take(&self, parts: &Parts, body: &[u8]) -> Option<Fault> {
        self.change(|all| {
            if all.is_down {
                return Some(Fault::CutBefore);
            }
            let mut rules = all.to_come.iter_mut();
            let rule = rules.find(|rule| rule.remaining > 0 && rule.calls.mean(parts, body))?;
            rule.remaining -= 1;
            let fault = rule.fault.clone();
            all.failed.push(Failed {
                uri: parts.uri.to_string(),
                fault: fault.clone(),
            });
            Some(fault)
        })
    }
}

/// Lets a call through, or does to it what is to be done.
async fn fail(
    State(faults): State<Faults>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = async || {
        let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
        next.clone().run(request).await
    };
    loop {
        let Some(fault) = faults.take(&parts, &body) else {
            return call().await;
        };
        return match fault {
            Fault::Delay(time) => {
                tokio::time::sleep(time).await;
                continue;
            }
            Fault::RateLimited(seconds) => faults.dialect.too_many(seconds),
            Fault::Refused(code) => faults.dialect.refused(&code),
            Fault::Status(status) => broken(status),
            Fault::Garbage => "\u{0}{]<".into_response(),
            Fault::CutBefore => connection.cut(),
            Fault::CutAfter => {
                call().await;
                connection.cut()
            }
            Fault::CutWithin(bytes) => cut_within(call().await, bytes).await,
            Fault::StatusAfter(status) => {
                call().await;
                broken(status)
            }
            Fault::DelayAfter(time) => {
                let answer = call().await;
                tokio::time::sleep(time).await;
                answer
            }
        };
    }
}

fn broken(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = "<html><body>something went wrong</body></html>";
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

/// The first bytes of an answer that says that it has more.
async fn cut_within(answer: Response, bytes: usize) -> Response {
    let (mut parts, body) = answer.into_parts();
    let whole = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
    let first = whole.slice(..bytes.min(whole.len()));
    parts
        .headers
        .insert(header::CONTENT_LENGTH, (whole.len() + 1).into());
    let pieces: [Result<Bytes, io::Error>; 2] =
        [Ok(first), Err(io::ErrorKind::ConnectionReset.into())];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    Response::from_parts(parts, body)
}

/// A port that is open, and not yet served.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    origin: String,
}

impl Port {
    /// A free one of this machine.
    ///
    /// # Panics
    /// When there is none.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port on the loopback address");
        let address = listener.local_addr().expect("a bound port has an address");
        Self {
            listener,
            origin: format!("http://{address}"),
        }
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Serves this there, with faults before it.
    #[must_use]
    pub fn serve(self, router: Router, dialect: Arc<dyn Dialect>) -> Server {
        let faults = Faults::new(dialect);
        let router = router
            .layer(DefaultBodyLimit::max(LONGEST_BODY))
            .layer(from_fn_with_state(faults.clone(), fail))
            .into_make_service_with_connect_info::<Connection>();
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(Cuttable(self.listener), router).await;
        });
        Server {
            origin: self.origin,
            faults,
            serving,
        }
    }
}

/// A fake that is served. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    origin: String,
    faults: Faults,
    serving: JoinHandle<()>,
}

impl Server {
    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What goes wrong here.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The listener: connections that a handler can cut.
pub(crate) struct Cuttable(pub(crate) TcpListener);

impl Listener for Cuttable {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        let wire = Wire {
            stream,
            cut: Arc::default(),
        };
        (wire, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The switch that cuts a connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<AtomicBool>);

impl Connection {
    /// Nothing more is written to the connection, not even the response returned here.
    pub(crate) fn cut(&self) -> Response {
        self.0.store(true, Ordering::SeqCst);
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        Self(Arc::clone(&stream.io().cut))
    }
}

/// A connection whose writes fail once it is cut, upon which the server closes it.
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
