//! CloudWatch: metrics in and out, in rpc-v2-cbor (the Rust SDK) and awsJson1.0 (boto3). Clients of the older query
//! protocol are told so in theirs.
//!
//! What it has to tell is in [`super::metrics`]. Metric math (an `Expression`) is not simulated and refused.

mod cbor;
mod get;
mod list;
mod put;
mod statistics;

use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Call;
use super::errors::ServiceError;
use super::metrics;
use super::reply::Answer;
use super::route::{Operation, Service};

/// The name under which the service's operations are called.
const SERVICE: &str = "GraniteServiceVersion20100801";

/// Without it a client would not read CBOR.
pub(super) const CBOR_HEADER: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

const CBOR: &str = "application/cbor";
const JSON: &str = "application/x-amz-json-1.0";
/// What the query protocol sends.
const FORM: &str = "application/x-www-form-urlencoded";

/// The largest request of the service, unzipped.
const LARGEST: usize = 1 << 20;
/// Dimensions of one metric.
const DIMENSIONS: usize = 30;

/// In what a request and its reply are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Json,
    Cbor,
    /// The protocol of clients of before: only refused.
    Query,
}

impl Coding {
    /// The query protocol sends forms, or has all in the URL.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Coding {
        let coding = Coding::of_served(uri);
        let form = media_type(headers) == Some(FORM) || uri.query().is_some_and(|query| query.contains("Action="));
        if coding == Coding::Json && form { Coding::Query } else { coding }
    }

    /// Of a request that is served: CBOR has paths of its own.
    fn of_served(uri: &Uri) -> Coding {
        if uri.path().starts_with("/service/") { Coding::Cbor } else { Coding::Json }
    }

    /// Whether a request says that its body is what it has to be.
    fn expects(self, headers: &HeaderMap) -> bool {
        let protocol = || headers.get(CBOR_HEADER.0).is_some_and(|value| value == CBOR_HEADER.1);
        match self {
            Coding::Json => media_type(headers) == Some(JSON),
            Coding::Cbor => media_type(headers) == Some(CBOR) && protocol(),
            Coding::Query => false,
        }
    }

    /// A document, with its content type.
    pub(super) fn write(self, value: &Value) -> (&'static str, Vec<u8>) {
        match self {
            Coding::Cbor => (CBOR, cbor::write(value)),
            Coding::Json | Coding::Query => (JSON, value.to_string().into_bytes()),
        }
    }
}

/// The content type of a request, without its parameters.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

/// The operation of a request: its name is in the path of CBOR, in a header of JSON.
pub(super) fn operation(
    coding: Coding,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Operation, ServiceError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let name = match coding {
        Coding::Json => target.and_then(|target| target.strip_prefix(SERVICE)?.strip_prefix('.')),
        Coding::Cbor => {
            let path = uri.path().strip_prefix("/service/").and_then(|path| path.strip_prefix(SERVICE));
            path.and_then(|path| path.strip_prefix("/operation/"))
        }
        Coding::Query => {
            return Err(ServiceError::unknown_operation(
                "the query protocol of CloudWatch, only CBOR and JSON: a newer SDK speaks them",
            ));
        }
    };
    let name = name.unwrap_or_default();
    let served = Operation::named(name).filter(|operation| matches!(operation.service(), Service::CloudWatch(_)));
    let served = served.filter(|_| method == Method::POST);
    let operation =
        served.ok_or_else(|| ServiceError::unknown_operation(format_args!("{method} '{name}' of CloudWatch")))?;
    if !coding.expects(headers) {
        let wanted = match coding {
            Coding::Cbor => "content-type application/cbor and smithy-protocol rpc-v2-cbor",
            Coding::Json | Coding::Query => "content-type application/x-amz-json-1.0",
        };
        return Err(ServiceError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaTypeException",
            format!("This request must be sent with {wanted}."),
        ));
    }
    Ok(operation)
}

/// Answers a request.
pub(super) fn serve(call: &Call) -> Result<Answer, ServiceError> {
    metrics::catch_up(&call.world);
    let coding = Coding::of_served(&call.uri);
    let reply = match call.operation {
        Operation::PutMetricData => put::put_metric_data(call, input(call, coding)?),
        Operation::GetMetricData => get::get_metric_data(call, input(call, coding)?),
        Operation::GetMetricStatistics => statistics::get_metric_statistics(call, input(call, coding)?),
        Operation::ListMetrics => list::list_metrics(call, input(call, coding)?),
        other => return Err(ServiceError::unknown_operation(other)),
    }?;
    let (content_type, body) = coding.write(&reply);
    let answer = Answer::new(content_type, body);
    Ok(if coding == Coding::Cbor { answer.text_header(CBOR_HEADER.0, CBOR_HEADER.1) } else { answer })
}

/// The body of a request.
fn input<T: DeserializeOwned>(call: &Call, coding: Coding) -> Result<T, ServiceError> {
    let bytes = &call.payload.bytes;
    if bytes.len() > LARGEST {
        return Err(ServiceError::body_too_large(LARGEST));
    }
    let broken =
        |error: &dyn std::fmt::Display| ServiceError::serialization(format!("The request body is not valid: {error}."));
    let mut value = match coding {
        Coding::Cbor => cbor::read(bytes).map_err(|error| broken(&error))?,
        Coding::Json | Coding::Query => serde_json::from_slice(bytes).map_err(|error| broken(&error))?,
    };
    drop_nulls(&mut value);
    T::deserialize(value).map_err(|error: serde_json::Error| broken(&error))
}

/// A member that is null is one that is not there, as in every protocol of the service.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
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
        if !plain(&dimension.name) || !text(&dimension.value) {
            return Err(invalid(format!(
                "The dimension {}={} of {parameter}.Dimensions.member.{member} is invalid: a name and a value are of ASCII without control characters, not blank, and a name does not begin with a colon.",
                dimension.name.escape_debug(),
                dimension.value.escape_debug()
            )));
        }
        Ok((dimension.name, dimension.value))
    });
    pairs.collect()
}

/// A text of ASCII that says something and no control characters.
fn text(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii() && !c.is_ascii_control()) && !text.trim().is_empty()
}

/// The same, as a name: it does not begin with a colon.
fn plain(name: &str) -> bool {
    text(name) && !name.starts_with(':')
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
