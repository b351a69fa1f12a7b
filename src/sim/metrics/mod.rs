//! The account's metrics: what the simulator's traffic leaves in CloudWatch, and what clients put there themselves.
//!
//! Values are kept by the minute of the service's time (for three hours also by the second, where a client asks for that),
//! as distributions, in bounded memory. The API that reads and writes them is [`super::cloudwatch`].

mod distribution;
mod store;
mod tenants;
mod traffic;

pub(super) use distribution::{Distribution, Statistic};
pub(super) use store::{MetricKey, Metrics, Resolution, TooMany, minute};
pub(super) use tenants::{Written, catch_up};
pub(super) use traffic::{BatchBacklog, Called, batch, invocation, refusal};
