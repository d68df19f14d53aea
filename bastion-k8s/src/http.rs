//! Requests to an API server, and what becomes of them: bytes in, bytes out.

pub(crate) mod backoff;
pub(crate) mod fault;
pub(crate) mod lines;
pub(crate) mod pages;
pub(crate) mod paths;
pub(crate) mod rest;
