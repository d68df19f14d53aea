use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Pass,
    /// The server gets it and answers; the connection is cut before the client hears that.
    LoseAnswer,
    /// The connection is cut when the request comes; the server gets nothing.
    LoseRequest,
    /// The server gets it and answers; the client hears nothing and the connection stays.
    Silence,
    /// The client gets the first bytes of the answer's body, then the connection is cut.
    CutAnswer,
}

/// A TCP proxy on a port of its own that fails as told.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    mode: Mutex<Mode>,
    /// For so many requests, then [`Mode::Pass`].
    times: Mutex<usize>,
    /// The first line and headers of each request, as it came.
    requests: Mutex<Vec<String>>,
}

impl Proxy {
    pub(crate) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared { target, mode: Mutex::new(Mode::Pass), times: Mutex::new(0), requests: Mutex::default() };
        let shared = Arc::new(shared);
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, serving.clone()));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next `times` requests meet this; nothing of before is counted any more.
    pub(crate) fn fail(&self, mode: Mode, times: usize) {
        *self.shared.mode.lock().unwrap() = mode;
        *self.shared.times.lock().unwrap() = times;
        self.shared.requests.lock().unwrap().clear();
    }

    /// The requests with this method since `fail`.
    pub(crate) fn requests(&self, method: &str) -> Vec<String> {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().filter(|head| head.starts_with(method)).cloned().collect()
    }
}

impl Shared {
    fn begin(&self, head: &str) -> Mode {
        self.requests.lock().unwrap().push(head.to_owned());
        let mut times = self.times.lock().unwrap();
        if *times == 0 {
            return Mode::Pass;
        }
        *times -= 1;
        *self.mode.lock().unwrap()
    }
}

/// One connection: HTTP/1.1 requests with a Content-Length, one after the other.
async fn serve(mut client: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let mut server = None;
    loop {
        let head = head(&mut client).await?;
        let mode = shared.begin(&head);
        if mode == Mode::LoseRequest {
            return Ok(());
        }
        let mut body = vec![0; length(&head)];
        client.read_exact(&mut body).await?;
        let server = match &mut server {
            Some(server) => server,
            none => none.insert(TcpStream::connect(("127.0.0.1", shared.target)).await?),
        };
        server.write_all(head.as_bytes()).await?;
        server.write_all(&body).await?;

        let answer = self::head(server).await?;
        let mut body = vec![0; if head.starts_with("HEAD ") { 0 } else { length(&answer) }];
        server.read_exact(&mut body).await?;
        match mode {
            Mode::LoseAnswer => return Ok(()),
            Mode::Silence => std::future::pending::<()>().await,
            Mode::CutAnswer => body.truncate(body.len() / 2),
            Mode::Pass | Mode::LoseRequest => {}
        }
        client.write_all(answer.as_bytes()).await?;
        client.write_all(&body).await?;
        if mode == Mode::CutAnswer {
            return Ok(());
        }
    }
}

async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

fn length(head: &str) -> usize {
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    let lengths = head.lines().filter_map(|line| line.split_once(": "));
    lengths
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, n)| n.parse().ok())
        .unwrap_or(0)
}
