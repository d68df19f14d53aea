#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arbitrary;
mod damage;
mod docs;
mod fuzz;
mod golden;
mod index;
mod round_trip;
mod sample;
