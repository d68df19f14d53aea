//! Free TCP ports of 127.0.0.1.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    sync::Mutex,
};

use rand::RngExt as _;

use crate::error::{Error, Result};

/// Below Linux's ephemeral range, so that no outgoing connection takes a port between the moment a server
/// lets go of it and the moment it is started again.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// Ports given away by this process; never given twice.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port on which nothing listens now. Random, so that two test programs side by side seldom meet.
///
/// # Errors
/// When a thousand tries found none.
pub fn free() -> Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for _ in 0..1000 {
        let port = rand::rng().random_range(RANGE);
        if !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.insert(port);
            return Ok(port);
        }
    }
    Err(Error::new("no free port on 127.0.0.1"))
}
