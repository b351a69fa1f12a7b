//! Which service, Region and operation a request is for.
//!
//! One port serves everything, so the credential scope of the signature is what tells services apart: paths alone
//! could not (a bucket of S3 may be called `model`).

use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;

use super::cloudwatch::{self, Coding};
use super::errors::ServiceError;
use super::s3;

/// A service of the simulated account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// `bedrock-runtime`.
    Runtime,
    /// `bedrock`, the control plane.
    Control,
    /// `servicequotas`.
    Quotas,
    /// `sts`.
    Sts,
    /// `s3`.
    S3,
    /// `monitoring`, in the coding of the request: its errors are written in it too.
    CloudWatch(Coding),
    /// A signing name that the simulator does not serve.
    Other(String),
}

impl Service {
    /// The name by which a scenario's fault addresses the service.
    pub(super) fn name(&self) -> &str {
        match self {
            Service::Runtime => "bedrock-runtime",
            Service::Control => "bedrock",
            Service::Quotas => "servicequotas",
            Service::Sts => "sts",
            Service::S3 => "s3",
            Service::CloudWatch(_) => "monitoring",
            Service::Other(name) => name,
        }
    }

    /// Its clock is the one that `speed` drives. Inference, which is metered in real time, keeps to real time.
    pub(super) fn in_service_time(&self) -> bool {
        !matches!(self, Service::Runtime | Service::Sts)
    }

    /// The prefix of the service's IAM actions.
    pub(super) fn iam_prefix(&self) -> &str {
        match self {
            Service::Runtime | Service::Control => "bedrock",
            Service::CloudWatch(_) => "cloudwatch",
            other => other.name(),
        }
    }
}

/// An operation that the simulator serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names are the operations' own.
pub enum Operation {
    Converse,
    ConverseStream,
    InvokeModel,
    InvokeModelWithResponseStream,
    CountTokens,
    ListFoundationModels,
    GetFoundationModel,
    GetFoundationModelAvailability,
    ListInferenceProfiles,
    GetInferenceProfile,
    CreateProvisionedModelThroughput,
    GetProvisionedModelThroughput,
    ListProvisionedModelThroughputs,
    UpdateProvisionedModelThroughput,
    DeleteProvisionedModelThroughput,
    CreateModelInvocationJob,
    GetModelInvocationJob,
    ListModelInvocationJobs,
    StopModelInvocationJob,
    ListTagsForResource,
    ListServiceQuotas,
    GetServiceQuota,
    ListAWSDefaultServiceQuotas,
    GetAWSDefaultServiceQuota,
    RequestServiceQuotaIncrease,
    ListRequestedServiceQuotaChangeHistory,
    ListRequestedServiceQuotaChangeHistoryByQuota,
    GetRequestedServiceQuotaChange,
    GetCallerIdentity,
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
    DeleteObjects,
    ListObjectsV2,
    ListObjects,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    CreateBucket,
    HeadBucket,
    ListBuckets,
    GetBucketLocation,
    PutMetricData,
    GetMetricData,
    GetMetricStatistics,
    ListMetrics,
}

impl Operation {
    /// All operations.
    pub const ALL: [Operation; 49] = [
        Operation::Converse,
        Operation::ConverseStream,
        Operation::InvokeModel,
        Operation::InvokeModelWithResponseStream,
        Operation::CountTokens,
        Operation::ListFoundationModels,
        Operation::GetFoundationModel,
        Operation::GetFoundationModelAvailability,
        Operation::ListInferenceProfiles,
        Operation::GetInferenceProfile,
        Operation::CreateProvisionedModelThroughput,
        Operation::GetProvisionedModelThroughput,
        Operation::ListProvisionedModelThroughputs,
        Operation::UpdateProvisionedModelThroughput,
        Operation::DeleteProvisionedModelThroughput,
        Operation::CreateModelInvocationJob,
        Operation::GetModelInvocationJob,
        Operation::ListModelInvocationJobs,
        Operation::StopModelInvocationJob,
        Operation::ListTagsForResource,
        Operation::ListServiceQuotas,
        Operation::GetServiceQuota,
        Operation::ListAWSDefaultServiceQuotas,
        Operation::GetAWSDefaultServiceQuota,
        Operation::RequestServiceQuotaIncrease,
        Operation::ListRequestedServiceQuotaChangeHistory,
        Operation::ListRequestedServiceQuotaChangeHistoryByQuota,
        Operation::GetRequestedServiceQuotaChange,
        Operation::GetCallerIdentity,
        Operation::PutObject,
        Operation::GetObject,
        Operation::HeadObject,
        Operation::DeleteObject,
        Operation::DeleteObjects,
        Operation::ListObjectsV2,
        Operation::ListObjects,
        Operation::CreateMultipartUpload,
        Operation::UploadPart,
        Operation::CompleteMultipartUpload,
        Operation::AbortMultipartUpload,
        Operation::ListParts,
        Operation::CreateBucket,
        Operation::HeadBucket,
        Operation::ListBuckets,
        Operation::GetBucketLocation,
        Operation::PutMetricData,
        Operation::GetMetricData,
        Operation::GetMetricStatistics,
        Operation::ListMetrics,
    ];

    /// The service it belongs to.
    pub(super) fn service(self) -> Service {
        match self {
            Operation::Converse
            | Operation::ConverseStream
            | Operation::InvokeModel
            | Operation::InvokeModelWithResponseStream
            | Operation::CountTokens => Service::Runtime,
            Operation::ListFoundationModels
            | Operation::GetFoundationModel
            | Operation::GetFoundationModelAvailability
            | Operation::ListInferenceProfiles
            | Operation::GetInferenceProfile
            | Operation::CreateProvisionedModelThroughput
            | Operation::GetProvisionedModelThroughput
            | Operation::ListProvisionedModelThroughputs
            | Operation::UpdateProvisionedModelThroughput
            | Operation::DeleteProvisionedModelThroughput
            | Operation::CreateModelInvocationJob
            | Operation::GetModelInvocationJob
            | Operation::ListModelInvocationJobs
            | Operation::StopModelInvocationJob
            | Operation::ListTagsForResource => Service::Control,
            Operation::ListServiceQuotas
            | Operation::GetServiceQuota
            | Operation::ListAWSDefaultServiceQuotas
            | Operation::GetAWSDefaultServiceQuota
            | Operation::RequestServiceQuotaIncrease
            | Operation::ListRequestedServiceQuotaChangeHistory
            | Operation::ListRequestedServiceQuotaChangeHistoryByQuota
            | Operation::GetRequestedServiceQuotaChange => Service::Quotas,
            Operation::GetCallerIdentity => Service::Sts,
            Operation::PutObject
            | Operation::GetObject
            | Operation::HeadObject
            | Operation::DeleteObject
            | Operation::DeleteObjects
            | Operation::ListObjectsV2
            | Operation::ListObjects
            | Operation::CreateMultipartUpload
            | Operation::UploadPart
            | Operation::CompleteMultipartUpload
            | Operation::AbortMultipartUpload
            | Operation::ListParts
            | Operation::CreateBucket
            | Operation::HeadBucket
            | Operation::ListBuckets
            | Operation::GetBucketLocation => Service::S3,
            Operation::PutMetricData
            | Operation::GetMetricData
            | Operation::GetMetricStatistics
            | Operation::ListMetrics => Service::CloudWatch(Coding::Json),
        }
    }

    /// The IAM action that allows it, without its prefix. In S3 several operations share one.
    pub(super) fn iam_action(self) -> String {
        match self {
            Operation::HeadObject => Operation::GetObject.to_string(),
            Operation::DeleteObjects => Operation::DeleteObject.to_string(),
            Operation::CreateMultipartUpload | Operation::UploadPart | Operation::CompleteMultipartUpload => {
                Operation::PutObject.to_string()
            }
            Operation::ListObjectsV2 | Operation::ListObjects | Operation::HeadBucket => "ListBucket".into(),
            Operation::ListBuckets => "ListAllMyBuckets".into(),
            Operation::ListParts => "ListMultipartUploadParts".into(),
            other => other.to_string(),
        }
    }

    /// What it orders is accepted although there may be no capacity for it: that shows later.
    pub(super) fn orders_capacity(self) -> bool {
        matches!(self, Operation::CreateProvisionedModelThroughput | Operation::CreateModelInvocationJob)
    }

    /// It is about batch jobs.
    pub(super) fn is_about_jobs(self) -> bool {
        matches!(
            self,
            Operation::CreateModelInvocationJob
                | Operation::GetModelInvocationJob
                | Operation::ListModelInvocationJobs
                | Operation::StopModelInvocationJob
        )
    }

    /// The operation of this name.
    pub(super) fn named(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.to_string() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Who calls, as far as the signature says. Signatures are not verified: any credentials are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The access key id; empty for a bearer token.
    pub access_key: String,
    /// The Region of the credential scope; absent for a bearer token.
    pub region: Option<String>,
    /// The signing name of the credential scope; absent for a bearer token.
    pub signing_name: Option<String>,
}

impl Caller {
    /// Reads the `Authorization` header.
    pub(super) fn of(headers: &HeaderMap) -> Result<Caller, ServiceError> {
        let Some(value) = headers.get(AUTHORIZATION) else { return Err(ServiceError::missing_token()) };
        let Ok(value) = value.to_str() else {
            return Err(ServiceError::incomplete_signature("The Authorization header is not ASCII text."));
        };
        if let Some(token) = value.strip_prefix("Bearer ") {
            return match token.trim() {
                "" => Err(ServiceError::missing_token()),
                _ => Ok(Caller { access_key: String::new(), region: None, signing_name: None }),
            };
        }
        let Some(fields) = value.strip_prefix("AWS4-HMAC-SHA256") else {
            return Err(ServiceError::incomplete_signature(
                "Authorization header requires the algorithm AWS4-HMAC-SHA256.",
            ));
        };
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|value| !value.is_empty())
        };
        for name in ["Credential", "SignedHeaders", "Signature"] {
            if field(name).is_none() {
                return Err(ServiceError::incomplete_signature(format!(
                    "Authorization header requires '{name}' parameter."
                )));
            }
        }
        // access key / date / Region / service / aws4_request
        let parts: Vec<&str> = field("Credential").unwrap_or_default().split('/').collect();
        match parts[..] {
            [key, _date, region, service, "aws4_request"] if !region.is_empty() && !service.is_empty() => Ok(Caller {
                access_key: key.to_owned(),
                region: Some(region.to_owned()),
                signing_name: Some(service.to_owned()),
            }),
            _ => Err(ServiceError::incomplete_signature(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            )),
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub operation: Operation,
    /// The percent-decoded resource segment of the path (model or profile), if the operation has one.
    pub resource: String,
}

/// The service that should answer, even if the operation turns out to be unknown: it decides the protocol of errors.
pub(super) fn service(caller: &Caller, headers: &HeaderMap, uri: &Uri) -> Service {
    match caller.signing_name.as_deref() {
        Some("bedrock") | None => {
            let path = uri.path();
            if path.starts_with("/model/") || path.starts_with("/async-invoke") || path.starts_with("/guardrail/") {
                Service::Runtime
            } else {
                Service::Control
            }
        }
        Some("servicequotas") => Service::Quotas,
        Some("sts") => Service::Sts,
        Some("s3") => Service::S3,
        Some("monitoring") => Service::CloudWatch(Coding::of(uri, headers)),
        Some(_) if x_amz_target(headers).is_some_and(|target| target.starts_with(QUOTAS_TARGET)) => Service::Quotas,
        Some(other) => Service::Other(other.to_owned()),
    }
}

const QUOTAS_TARGET: &str = "ServiceQuotasV20190624.";

fn x_amz_target(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()
}

/// The operation of a rest-json or json 1.1 request. STS names its action in the body: see [`sts_operation`].
pub(super) fn operation(
    service: &Service,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Target, ServiceError> {
    let plain = |operation| Ok(Target { operation, resource: String::new() });
    match service {
        Service::Runtime | Service::Control => rest(service, method, uri.path()),
        Service::S3 => plain(s3::operation(method, uri, headers)?),
        Service::CloudWatch(coding) => plain(cloudwatch::operation(*coding, method, uri, headers)?),
        Service::Quotas => {
            let target = x_amz_target(headers).unwrap_or_default();
            match target.strip_prefix(QUOTAS_TARGET).and_then(Operation::named) {
                Some(operation) if operation.service() == Service::Quotas => plain(operation),
                _ => Err(ServiceError::unknown_operation(format_args!("the Service Quotas target '{target}'"))),
            }
        }
        Service::Sts => plain(Operation::GetCallerIdentity),
        Service::Other(name) => Err(ServiceError::unknown_operation(format_args!("the service '{name}'"))),
    }
}

fn rest(service: &Service, method: &Method, path: &str) -> Result<Target, ServiceError> {
    let unknown = || ServiceError::unknown_operation(format_args!("{method} {path} of {}", service.name()));
    let segments: Vec<&str> = path.trim_start_matches('/').trim_end_matches('/').split('/').collect();
    // A foundation model ARN is one encoded segment; some clients leave its slash bare, as the real service accepts.
    let plain = |operation| Ok(Target { operation, resource: String::new() });
    let (operation, resource) = match (method, &segments[..]) {
        (&Method::POST, ["model", id @ .., "converse"]) => (Operation::Converse, id),
        (&Method::POST, ["model", id @ .., "converse-stream"]) => (Operation::ConverseStream, id),
        (&Method::POST, ["model", id @ .., "invoke"]) => (Operation::InvokeModel, id),
        (&Method::POST, ["model", id @ .., "invoke-with-response-stream"]) => {
            (Operation::InvokeModelWithResponseStream, id)
        }
        (&Method::POST, ["model", id @ .., "count-tokens"]) => (Operation::CountTokens, id),
        (&Method::GET, ["foundation-models"]) => return plain(Operation::ListFoundationModels),
        (&Method::GET, ["foundation-models", id @ ..]) => (Operation::GetFoundationModel, id),
        (&Method::GET, ["foundation-model-availability", id @ ..]) => (Operation::GetFoundationModelAvailability, id),
        (&Method::GET, ["inference-profiles"]) => return plain(Operation::ListInferenceProfiles),
        (&Method::GET, ["inference-profiles", id @ ..]) => (Operation::GetInferenceProfile, id),
        (&Method::POST, ["provisioned-model-throughput"]) => return plain(Operation::CreateProvisionedModelThroughput),
        (&Method::GET, ["provisioned-model-throughputs"]) => return plain(Operation::ListProvisionedModelThroughputs),
        (&Method::GET, ["provisioned-model-throughput", id @ ..]) => (Operation::GetProvisionedModelThroughput, id),
        (&Method::PATCH, ["provisioned-model-throughput", id @ ..]) => {
            (Operation::UpdateProvisionedModelThroughput, id)
        }
        (&Method::DELETE, ["provisioned-model-throughput", id @ ..]) => {
            (Operation::DeleteProvisionedModelThroughput, id)
        }
        (&Method::POST, ["model-invocation-job"]) => return plain(Operation::CreateModelInvocationJob),
        (&Method::GET, ["model-invocation-jobs"]) => return plain(Operation::ListModelInvocationJobs),
        (&Method::GET, ["model-invocation-job", id @ ..]) => (Operation::GetModelInvocationJob, id),
        (&Method::POST, ["model-invocation-job", id @ .., "stop"]) => (Operation::StopModelInvocationJob, id),
        (&Method::POST, ["listTagsForResource"]) => return plain(Operation::ListTagsForResource),
        _ => return Err(unknown()),
    };
    if resource.is_empty() || resource.iter().any(|segment| segment.is_empty()) {
        return Err(unknown());
    }
    let joined = resource.join("/");
    let resource = percent_decode_str(&joined)
        .decode_utf8()
        .map_err(|_| ServiceError::validation("The provided model identifier is invalid."))?
        .into_owned();
    Ok(Target { operation, resource })
}

/// The action of an STS form body.
pub(super) fn sts_operation(body: &[u8]) -> Result<Operation, ServiceError> {
    let action =
        url::form_urlencoded::parse(body).find(|(key, _)| key == "Action").map(|(_, value)| value.into_owned());
    match action.as_deref() {
        Some("GetCallerIdentity") => Ok(Operation::GetCallerIdentity),
        Some(other) => Err(ServiceError::new(
            hyper::StatusCode::BAD_REQUEST,
            "InvalidAction",
            format!("Could not find operation {other} for version 2011-06-15"),
        )),
        None => {
            Err(ServiceError::new(hyper::StatusCode::BAD_REQUEST, "MissingAction", "The request must name an Action."))
        }
    }
}

/// One parameter of the query string, decoded.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn signed(scope: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20261122/{scope}/aws4_request, SignedHeaders=host, Signature=00");
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        headers
    }

    fn target(method: Method, scope: &str, path: &str) -> Result<Target, ServiceError> {
        let headers = signed(scope);
        let uri: Uri = path.parse().unwrap();
        let caller = Caller::of(&headers)?;
        operation(&service(&caller, &headers, &uri), &method, &uri, &headers)
    }

    #[test]
    fn the_credential_scope_names_service_and_region() {
        let caller = Caller::of(&signed("eu-west-1/bedrock")).unwrap();
        assert_eq!(
            caller,
            Caller {
                access_key: "AKID".into(),
                region: Some("eu-west-1".into()),
                signing_name: Some("bedrock".into())
            }
        );
    }

    #[test]
    fn a_missing_or_broken_signature_is_refused_in_the_services_words() {
        assert_eq!(Caller::of(&HeaderMap::new()).unwrap_err().code, "MissingAuthenticationTokenException");
        for broken in [
            "Basic abc",
            "AWS4-HMAC-SHA256 Credential=A/b/c, SignedHeaders=h, Signature=0",
            "AWS4-HMAC-SHA256 Signature=0",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(broken));
            assert_eq!(Caller::of(&headers).unwrap_err().code, "IncompleteSignatureException", "{broken}");
        }
    }

    #[test]
    fn an_encoded_arn_is_one_segment() {
        let arn = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0/converse-stream";
        let target = target(Method::POST, "us-east-1/bedrock", arn).unwrap();
        assert_eq!(target.operation, Operation::ConverseStream);
        assert_eq!(
            target.resource,
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
        );
    }

    #[test]
    fn identifiers_in_the_path_may_be_encoded_arns() {
        for (method, path, operation, resource) in [
            (
                Method::GET,
                "provisioned-model-throughput/my-model",
                Operation::GetProvisionedModelThroughput,
                "my-model",
            ),
            (
                Method::DELETE,
                "provisioned-model-throughput/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprovisioned-model%2Fabc",
                Operation::DeleteProvisionedModelThroughput,
                "arn:aws:bedrock:us-east-1:1:provisioned-model/abc",
            ),
            (
                Method::POST,
                "model-invocation-job/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Amodel-invocation-job%2Fabc/stop",
                Operation::StopModelInvocationJob,
                "arn:aws:bedrock:us-east-1:1:model-invocation-job/abc",
            ),
            (Method::GET, "model-invocation-jobs", Operation::ListModelInvocationJobs, ""),
            (Method::POST, "listTagsForResource", Operation::ListTagsForResource, ""),
        ] {
            let found = target(method, "us-east-1/bedrock", &format!("/{path}")).unwrap();
            assert_eq!((found.operation, found.resource.as_str()), (operation, resource));
        }
    }

    #[test]
    fn unknown_operations_are_named() {
        for (method, scope, path) in [
            (Method::GET, "us-east-1/bedrock", "/model/x/converse"),
            (Method::POST, "us-east-1/bedrock", "/model//converse"),
            (Method::POST, "us-east-1/bedrock", "/model/x/dance"),
            (Method::GET, "us-east-1/bedrock", "/nothing"),
            (Method::PUT, "us-east-1/sqs", "/bucket/key"),
            (Method::POST, "us-east-1/servicequotas", "/"),
        ] {
            let error = target(method, scope, path).unwrap_err();
            assert_eq!(error.code, "UnknownOperationException", "{path}");
        }
    }

    #[test]
    fn the_target_header_names_a_quota_operation() {
        let mut headers = signed("us-west-2/servicequotas");
        headers.insert("x-amz-target", HeaderValue::from_static("ServiceQuotasV20190624.ListAWSDefaultServiceQuotas"));
        let uri: Uri = "/".parse().unwrap();
        let target = operation(&Service::Quotas, &Method::POST, &uri, &headers).unwrap();
        assert_eq!(target.operation, Operation::ListAWSDefaultServiceQuotas);
    }

    #[test]
    fn sts_reads_the_action_from_the_form() {
        assert_eq!(
            sts_operation(b"Action=GetCallerIdentity&Version=2011-06-15").unwrap(),
            Operation::GetCallerIdentity
        );
        assert_eq!(sts_operation(b"Action=AssumeRole").unwrap_err().code, "InvalidAction");
        assert_eq!(sts_operation(b"").unwrap_err().code, "MissingAction");
    }
}
