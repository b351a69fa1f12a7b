//! CloudWatch: metrics in and out, in rpc-v2-cbor (the Rust SDK) and awsJson1.0 (boto3).
//!
//! What it has to tell is in [`super::metrics`]. Metric math (an `Expression`) is not simulated and refused.

mod cbor;
mod get;
mod list;
mod put;
mod statistics;

use hyper::{StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Call;
use super::errors::ServiceError;
use super::metrics;
use super::reply::Answer;
use super::route::Operation;

/// The name under which the service's operations are called.
const SERVICE: &str = "GraniteServiceVersion20100801";

/// Without it a client would not read CBOR.
pub(super) const CBOR_HEADER: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// The largest request of the service, unzipped.
const LARGEST: usize = 1 << 20;
/// Dimensions of one metric.
const DIMENSIONS: usize = 30;

/// In what a request and its reply are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Json,
    Cbor,
}

impl Coding {
    /// CBOR has paths of its own.
    pub(super) fn of(uri: &Uri) -> Coding {
        if uri.path().starts_with("/service/") { Coding::Cbor } else { Coding::Json }
    }

    /// A document, with its content type.
    pub(super) fn write(self, value: &Value) -> (&'static str, Vec<u8>) {
        match self {
            Coding::Json => ("application/x-amz-json-1.0", value.to_string().into_bytes()),
            Coding::Cbor => ("application/cbor", cbor::write(value)),
        }
    }
}

/// The name of a request's operation: in the path of CBOR, in a header of JSON.
pub(super) fn operation<'r>(uri: &'r Uri, target: Option<&'r str>) -> Option<&'r str> {
    match Coding::of(uri) {
        Coding::Json => target?.strip_prefix(SERVICE)?.strip_prefix('.'),
        Coding::Cbor => uri.path().strip_prefix("/service/")?.strip_prefix(SERVICE)?.strip_prefix("/operation/"),
    }
}

/// Answers a request.
pub(super) fn serve(call: &Call) -> Result<Answer, ServiceError> {
    metrics::catch_up(&call.world);
    let reply = match call.operation {
        Operation::PutMetricData => put::put_metric_data(call, input(call)?),
        Operation::GetMetricData => get::get_metric_data(call, input(call)?),
        Operation::GetMetricStatistics => statistics::get_metric_statistics(call, input(call)?),
        Operation::ListMetrics => list::list_metrics(call, input(call)?),
        other => return Err(ServiceError::unknown_operation(other)),
    }?;
    let coding = Coding::of(&call.uri);
    let (content_type, body) = coding.write(&reply);
    let answer = Answer::new(content_type, body);
    Ok(if coding == Coding::Cbor { answer.text_header(CBOR_HEADER.0, CBOR_HEADER.1) } else { answer })
}

/// The body of a request.
fn input<T: DeserializeOwned>(call: &Call) -> Result<T, ServiceError> {
    let bytes = &call.payload.bytes;
    if bytes.len() > LARGEST {
        return Err(ServiceError::body_too_large(LARGEST));
    }
    let broken =
        |error: &dyn std::fmt::Display| ServiceError::serialization(format!("The request body is not valid: {error}."));
    let value = match Coding::of(&call.uri) {
        Coding::Json => serde_json::from_slice(bytes).map_err(|error| broken(&error))?,
        Coding::Cbor => cbor::read(bytes).map_err(|error| broken(&error))?,
    };
    T::deserialize(value).map_err(|error: serde_json::Error| broken(&error))
}

/// A number, or the name of one that JSON has no form for.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(f64),
    Named(String),
}

impl Number {
    fn value(&self) -> f64 {
        match self {
            Number::Plain(value) => *value,
            Number::Named(name) => match name.as_str() {
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => f64::NAN,
            },
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

/// Name and value of each dimension, if they are as they should be; `parameter` is where they stand.
fn dimensions(dimensions: Vec<Dimension>, parameter: &str) -> Result<Vec<(String, String)>, ServiceError> {
    if dimensions.len() > DIMENSIONS {
        return Err(invalid(format!(
            "The collection {parameter}.Dimensions must not have a size greater than {DIMENSIONS}."
        )));
    }
    let pairs = dimensions.into_iter().zip(1..).map(|(dimension, member)| {
        bounded(&dimension.name, 255, &format!("{parameter}.Dimensions.member.{member}.Name"))?;
        bounded(&dimension.value, 1_024, &format!("{parameter}.Dimensions.member.{member}.Value"))?;
        Ok((dimension.name, dimension.value))
    });
    pairs.collect()
}

/// Refuses a text that is empty or too long.
fn bounded(text: &str, most: usize, parameter: &str) -> Result<(), ServiceError> {
    if (1..=most).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(invalid(format!("The parameter {parameter} must be from 1 to {most} characters long.")))
}

/// The unit of this name.
fn unit(name: &str, parameter: &str) -> Result<&'static str, ServiceError> {
    const UNITS: [&str; 27] = [
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Gigabytes",
        "Terabytes",
        "Bits",
        "Kilobits",
        "Megabits",
        "Gigabits",
        "Terabits",
        "Percent",
        "Count",
        "Bytes/Second",
        "Kilobytes/Second",
        "Megabytes/Second",
        "Gigabytes/Second",
        "Terabytes/Second",
        "Bits/Second",
        "Kilobits/Second",
        "Megabits/Second",
        "Gigabits/Second",
        "Terabits/Second",
        "Count/Second",
        "None",
    ];
    UNITS
        .into_iter()
        .find(|unit| *unit == name)
        .ok_or_else(|| invalid(format!("The value {name} for parameter {parameter} is invalid.")))
}

fn bad_request(code: &'static str, message: String) -> ServiceError {
    ServiceError::new(StatusCode::BAD_REQUEST, code, message)
}

fn invalid(message: String) -> ServiceError {
    bad_request("InvalidParameterValue", message)
}

fn missing(parameter: &str) -> ServiceError {
    bad_request("MissingParameter", format!("The parameter {parameter} is required."))
}

fn combination(message: String) -> ServiceError {
    bad_request("InvalidParameterCombination", message)
}

/// The service's refusal of a request that does not fit together.
fn validation(message: String) -> ServiceError {
    bad_request("ValidationError", message)
}
