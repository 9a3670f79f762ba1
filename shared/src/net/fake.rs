//! A server for tests: it answers as told and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A server on this machine, until it is dropped.
#[derive(Debug)]
pub struct Fake {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

/// What it answers.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    framing: Framing,
    delay: Duration,
    /// What is sent again and again after the answer, and after which pause.
    endless: Option<(Vec<u8>, Duration)>,
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunked,
    /// The body is all that is sent, status line and headers included.
    Raw,
    /// The connection closes instead of an answer.
    None,
}

impl Fake {
    /// Starts one on a free port.
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &seen, answer.as_ref()).await });
            }
        });
        Self {
            port,
            requests,
            task,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a path, which is given without its first slash.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}/{path}", self.port)).expect("a URL")
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic before").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Request {
    /// A header, by its name in lower case; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Answer {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            framing: Framing::Length,
            delay: Duration::ZERO,
            endless: None,
        }
    }

    /// These bytes, from the status line on.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            framing: Framing::Raw,
            ..Self::new(0, bytes)
        }
    }

    /// No answer: the connection closes.
    pub fn none() -> Self {
        Self {
            framing: Framing::None,
            ..Self::new(0, "")
        }
    }

    /// With this header too.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In chunks, so that the length is not told.
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// After so long.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With these bytes after it, again and again with a pause after each, until the client goes.
    pub fn then_endlessly(mut self, bytes: impl Into<Vec<u8>>, pause: Duration) -> Self {
        self.endless = Some((bytes.into(), pause));
        self
    }

    fn written(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Fake\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let mut bytes = head.into_bytes();
        match self.framing {
            Framing::None => return Vec::new(),
            Framing::Raw => return self.body.clone(),
            Framing::Length => {
                bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).into_bytes());
                bytes.extend(&self.body);
            }
            Framing::Chunked => {
                bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in self.body.chunks(4) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Answer + Send + Sync),
) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    seen.lock().expect("no panic before").push(request.clone());
    // The client may have gone.
    let answer = answer(&request);
    tokio::time::sleep(answer.delay).await;
    let _ = stream.write_all(&answer.written()).await;
    if let Some((bytes, pause)) = &answer.endless {
        while stream.write_all(bytes).await.is_ok() {
            tokio::time::sleep(*pause).await;
        }
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request {
        method,
        path,
        body: bytes.split_off(end + 4),
        headers,
    };
    if request.header("transfer-encoding") == "chunked" {
        while !request.body.ends_with(b"0\r\n\r\n") {
            more(stream, &mut request.body).await?;
        }
    } else {
        let length = request.header("content-length").parse().unwrap_or(0);
        while request.body.len() < length {
            more(stream, &mut request.body).await?;
        }
    }
    Some(request)
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    let count = stream
        .read(&mut chunk)
        .await
        .ok()
        .filter(|count| *count > 0)?;
    bytes.extend(&chunk[..count]);
    Some(())
}
