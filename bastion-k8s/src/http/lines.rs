//! The lines of a watch, as they come.

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use kube::client::Body;

use crate::http::fault::Fault;

/// Longer than any object that an API server takes, with room for what it adds.
const LONGEST: usize = 64 << 20;

/// Cuts a body into lines. Safe to poll again after a poll that was dropped.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Body,
    buffer: BytesMut,
    /// Up to here there is no end of line.
    searched: usize,
}

impl Lines {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0 }
    }

    /// Whether a whole line is here already.
    pub(crate) fn waiting(&self) -> bool {
        self.buffer.contains(&b'\n')
    }

    /// The next line; `None` at the end. A last line without its end was cut off and is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(line) = take_line(&mut self.buffer, &mut self.searched) {
                return Ok(Some(line));
            }
            if self.buffer.len() > LONGEST {
                return Err(Fault::Malformed("an event that does not end".into()));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame.map_err(Fault::transport)?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None => return Ok(None),
            }
        }
    }
}

fn take_line(buffer: &mut BytesMut, searched: &mut usize) -> Option<Bytes> {
    loop {
        let Some(end) = buffer[*searched..].iter().position(|b| *b == b'\n') else {
            *searched = buffer.len();
            return None;
        };
        let line = buffer.split_to(*searched + end).freeze();
        buffer.advance(1);
        *searched = 0;
        if !line.is_empty() {
            return Some(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_are_cut(text in "[ab\n]{0,60}", cuts in proptest::collection::vec(0_usize..8, 0..30)) {
            let expected: Vec<&str> = text.rsplit_once('\n').map_or("", |(whole, _)| whole)
                .split('\n').filter(|l| !l.is_empty()).collect();
            let (mut buffer, mut searched, mut got, mut rest) = (BytesMut::new(), 0, Vec::new(), text.as_bytes());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
                while let Some(line) = take_line(&mut buffer, &mut searched) {
                    got.push(line);
                }
            }
            prop_assert_eq!(got, expected);
        }
    }
}
