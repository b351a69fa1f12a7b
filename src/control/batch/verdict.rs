//! What a batch input is held against, and what follows from its totals: limits, price, time.

use crate::bedrock::{InvocationType, QuotaEntry};
use crate::catalogue::{BatchLimit, Catalogue, Metric, base_id, bucket_kind, cost};
use crate::record::{Region, Usage};

use super::super::command::{BatchInput, NewBatch};
use super::super::work::CheckReport;
use super::limits::BatchLimits;

/// A usual reply, tokens: what the time on demand is judged by.
const USUAL_REPLY: u64 = 300;

/// The pace on demand.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDemand {
    /// Requests per minute; `None`: not known.
    pub rpm: Option<u64>,
    /// Quota tokens per minute; `None`: not known.
    pub tpm: Option<u64>,
}

impl OnDemand {
    /// What Service Quotas applies to the account.
    pub(super) fn applied(model: &str, rows: &[QuotaEntry]) -> OnDemand {
        let catalogue = Catalogue::embedded();
        let base = catalogue.model(model).map_or_else(|| base_id(model), |model| model.id.as_str());
        let mut pace = OnDemand::default();
        for row in rows {
            let Some(meaning) = catalogue.match_quota_name(&row.name) else { continue };
            let Some(factor) = meaning.factor(bucket_kind(model)) else { continue };
            if !meaning.model_ids.iter().any(|id| id == base) {
                continue;
            }
            let value = Some((row.value.max(0.0) as u64).saturating_mul(factor));
            match meaning.metric {
                Metric::Rpm => pace.rpm = value,
                Metric::Tpm => pace.tpm = value,
                Metric::Tpd => {}
            }
        }
        pace
    }

    /// The published defaults; what applies to an account may differ.
    #[must_use]
    pub fn published(region: &Region, model: &str) -> OnDemand {
        let default = |metric| Catalogue::embedded().default_quota(region.as_str(), model, metric).map(|q| q.value);
        OnDemand { rpm: default(Metric::Rpm), tpm: default(Metric::Tpm) }
    }
}

/// What an input is held against.
pub(super) struct Question {
    pub model: String,
    pub region: Region,
    pub invocation: Option<InvocationType>,
    pub limits: BatchLimits,
    pub on_demand: OnDemand,
    /// The input is used as it is, not copied.
    pub in_s3: bool,
}

impl Question {
    pub fn of(new: &NewBatch, limits: BatchLimits, on_demand: OnDemand) -> Question {
        Question {
            model: new.model.clone(),
            region: new.region.clone(),
            invocation: new.invocation,
            limits,
            on_demand,
            in_s3: matches!(new.input, BatchInput::S3(_)),
        }
    }
}

pub(super) fn refuse(report: &mut CheckReport, reason: String) {
    report.error_count += 1;
    // What is wrong with the whole is said even if a hundred lines were wrong before.
    report.errors.push(reason);
}

pub(super) fn file_limits(report: &mut CheckReport, question: &Question, label: &str, records: u64, bytes: u64) {
    if let Some(most) = question.limits.records_per_file.filter(|most| records > *most) {
        refuse(report, format!("{label}: {records} records; a file of {} has at most {most}", question.model));
    }
    if let Some(most) = question.limits.file_bytes.filter(|most| bytes > *most) {
        refuse(report, format!("{label}: {bytes} bytes; a file of {} has at most {most}", question.model));
    }
}

pub(super) fn job_limits(report: &mut CheckReport, question: &Question, bytes: u64) {
    let Question { model, region, limits, .. } = question;
    let records = report.records;
    if report.error_count == 0 && records == 0 {
        refuse(report, "there are no records in it".to_owned());
    }
    if limits.min_records.is_none() && limits.records_per_job.is_none() {
        let (least, most) = (BatchLimit::MinRecords.usual(), BatchLimit::RecordsPerJob.usual());
        let line = format!(
            "the limits of {model} in {region} are not known (usual are {least} to {most} records): the service checks \
             them once the job has begun"
        );
        report.warnings.push(line);
    }
    if let Some(least) = limits.min_records.filter(|least| (1..*least).contains(&records)) {
        refuse(
            report,
            format!(
                "{records} records; a batch job of {model} has at least {least}: `bedrock-top run` sends fewer, at the \
                 on-demand price"
            ),
        );
    }
    if let Some(most) = limits.records_per_job.filter(|most| records > *most) {
        let jobs = records.div_ceil(most.max(1));
        refuse(report, format!("{records} records; a job of {model} has at most {most}: split it into {jobs} files"));
    }
    if let Some(most) = limits.job_bytes.filter(|most| bytes > *most) {
        refuse(report, format!("{bytes} bytes; a job of {model} has at most {most}: split it"));
    }
}

pub(super) fn price(report: &mut CheckReport, question: &Question) {
    let id = question.model.as_str();
    let Some(model) = Catalogue::embedded().model(id) else {
        report.warnings.push(format!("{id} is not in the catalogue: its price and window are not known"));
        return;
    };
    let (input, output) = (report.input_tokens.0, report.max_output_tokens.0);
    let usage = |output| Usage { input, output, ..Usage::default() };
    let batch = |output| cost::batch_price(model, id, &usage(output));
    report.batch_price = batch(0).zip(batch(output));
    if report.batch_price.is_some() && model.price.as_ref().is_some_and(|price| price.batch.is_none()) {
        report.warnings.push(
            "no batch price is published for the model: half of its on-demand price is assumed, and that it can be used \
             in batch"
                .to_owned(),
        );
    }
    let on_demand = |output| cost::price(model, id, &usage(output));
    report.on_demand_price = on_demand(0).zip(on_demand(output));
    let settled = input.saturating_add(
        output.min(report.records.saturating_mul(USUAL_REPLY)).saturating_mul(u64::from(model.burndown)),
    );
    let by_tokens = question.on_demand.tpm.filter(|tpm| *tpm > 0).map(|tpm| settled as f64 / tpm as f64);
    let by_requests = question.on_demand.rpm.filter(|rpm| *rpm > 0).map(|rpm| report.records as f64 / rpm as f64);
    report.on_demand_seconds = match (by_tokens, by_requests) {
        (Some(tokens), Some(requests)) => Some(tokens.max(requests) * 60.0),
        (one, other) => one.or(other).map(|minutes| minutes * 60.0),
    };
}
