//! `bedrock-top`: the operations console for Amazon Bedrock in a terminal.
//!
//! # The rooms, and who may know whom
//!
//! ```text
//!  cli       ──► everything
//!  console   ──► engine, control, warnings, report, limiter, workload, catalogue, config, record   (reads snapshots, sends commands and load specs; shows who said each setting)
//!  engine    ──► workload, queue, limiter, bedrock, families, catalogue, record
//!  workload  ──► families, catalogue, record
//!  control   ──► bedrock, workload, families, limiter, catalogue, record   (gives quotas in the limiter's own terms; reads batch inputs as a run reads its file)
//!  warnings  ──► engine, control, report, limiter, record   (reads both snapshots; figures are worded as reports word them)
//!  report    ──► engine, control, workload, limiter, catalogue, record   (words for what they say of themselves, and what follows for quotas and prices)
//!  config    ──► limiter, sim, warnings, record   (reads a preset, a scenario and a warning's name as they define them)
//!  sim       ──► meter, families, catalogue, record   (never engine, limiter, console)
//!  bedrock   ──► families, catalogue, record
//!  families  ──► record
//!  bench     ──► limiter, queue, meter, catalogue, record
//!  limiter   ──► catalogue, record
//!  queue     ──► catalogue, record
//!  meter     ──► catalogue, record
//!  catalogue ──► record
//!  record    ──► nobody
//! ```
//!
//! A trial reads this map and the sources: an arrow that is not here fails it.
//!
//! | room | duty |
//! |---|---|
//! | [`record`] | the nouns, pure: record, attempt, outcome, error class, units, route, scope |
//! | [`catalogue`] | models, prices, Service Quotas names, what throughput can be bought for; the cost arithmetic (reserve, settle) |
//! | [`limiter`] | admits, settles, learns, explains itself; pure |
//! | [`queue`] | priority classes, fairness in tokens between flows, deadlines; pure |
//! | [`meter`] | how a *server* may meter; driven by the simulator, never imported by the limiter |
//! | [`families`] | request and reply bodies of each model family and API |
//! | [`engine`] | the run: dispatcher, retries, router, breakers, statistics |
//! | [`workload`] | where records come from and where results go |
//! | [`bedrock`] | the AWS edge: the only room that names an `aws_sdk_*` type |
//! | [`control`] | the account: identity, quotas, provisioned throughput, batch jobs: pollers and workflows |
//! | [`sim`] | the Bedrock simulator over HTTP: inference, control plane, quotas, S3, CloudWatch |
//! | [`warnings`] | what an operator should know of, by name: found in the snapshots of engine and account, with a remedy; pure |
//! | [`console`] | the terminal: app, keys, ui, term |
//! | [`mod@bench`] | the limiter against its rivals on a virtual clock |
//! | [`config`], [`report`] | layered configuration; summaries |

pub mod bedrock;
pub mod bench;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod console;
pub mod control;
pub mod engine;
pub mod families;
pub mod limiter;
pub mod meter;
pub mod queue;
pub mod record;
pub mod report;
pub mod sim;
pub mod warnings;
pub mod workload;
