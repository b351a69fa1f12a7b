//! The limiter against its rivals, on a virtual clock.
//!
//! A discrete-event simulation without sockets: the service is metered by [`crate::meter`], which the limiter never
//! imports, and each client sees what a client sees (`policy`). A *cell* is a service, a workload and what happens to
//! them; the *scenarios* are the cells of the table (study/limiter.md §D). A *contest* runs cells by contestants by seeds;
//! with the same seed every contestant gets the same requests and latencies. *Gates* say what must hold.

pub mod cell;
pub mod chart;
pub mod contest;
pub mod contestant;
pub mod drive;
pub mod figure;
pub mod gates;
pub mod policy;
#[cfg(test)]
mod proofs;
pub mod scenarios;
pub mod score;
pub mod server;
pub mod table;
#[cfg(test)]
mod tests;
pub mod work;
