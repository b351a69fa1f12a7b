//! The service's own words when it refuses, and the ways in which its protocols write them.

use std::borrow::Cow;

use bytes::Bytes;
use hyper::StatusCode;

use super::cloudwatch::{CBOR_HEADER, Coding};
use super::route::Service;

/// An error reply of a simulated service. Texts are those seen from the real service (facts §2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    /// HTTP status of the services that model one (rest-json and query).
    pub status: StatusCode,
    /// Exception name.
    pub code: &'static str,
    /// What the caller reads.
    pub message: Cow<'static, str>,
}

impl ServiceError {
    /// An error with these three parts.
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> ServiceError {
        ServiceError { status, code, message: message.into() }
    }

    pub(super) fn validation(message: impl Into<Cow<'static, str>>) -> ServiceError {
        ServiceError::new(StatusCode::BAD_REQUEST, "ValidationException", message)
    }

    pub(super) fn not_found(message: impl Into<Cow<'static, str>>) -> ServiceError {
        ServiceError::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    }

    /// The RPM meter refuses.
    pub(super) fn too_many_requests() -> ServiceError {
        throttle("Too many requests, please wait before trying again.")
    }

    /// The TPM meter refuses.
    pub(super) fn too_many_tokens() -> ServiceError {
        throttle("Too many tokens, please wait before trying again.")
    }

    /// The daily meter or pool refuses.
    pub(super) fn too_many_tokens_per_day() -> ServiceError {
        throttle("Too many tokens per day, please wait before trying again.")
    }

    /// A throttle that names no meter: shared capacity below the quota.
    pub(super) fn rate_too_high() -> ServiceError {
        throttle("Your request rate is too high. Reduce the frequency of requests.")
    }

    pub(super) fn not_ready() -> ServiceError {
        ServiceError::new(StatusCode::TOO_MANY_REQUESTS, "ModelNotReadyException", "Model is not ready for inference.")
    }

    pub(super) fn capacity() -> ServiceError {
        ServiceError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailableException",
            "Bedrock is unable to process your request.",
        )
    }

    pub(super) fn model_error() -> ServiceError {
        ServiceError::new(
            StatusCode::FAILED_DEPENDENCY,
            "ModelErrorException",
            "The system encountered an unexpected error during processing. Try your request again.",
        )
    }

    pub(super) fn internal(service: &Service) -> ServiceError {
        let code = match service {
            Service::Quotas => "ServiceException",
            Service::Sts => "InternalFailure",
            Service::S3 => "InternalError",
            Service::CloudWatch(_) => "InternalServiceError",
            _ => "InternalServerException",
        };
        ServiceError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code,
            "The system encountered an unexpected error during processing. Try your request again.",
        )
    }

    pub(super) fn unavailable(service: &Service) -> ServiceError {
        match service {
            Service::Runtime => ServiceError::capacity(),
            Service::Sts | Service::S3 | Service::CloudWatch(_) => ServiceError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailable",
                "Service is unable to handle request.",
            ),
            _ => ServiceError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ServiceUnavailableException",
                "Service is unable to handle request.",
            ),
        }
    }

    /// A throttle of the service's own API rate.
    pub(super) fn throttled(service: &Service) -> ServiceError {
        match service {
            Service::Quotas => ServiceError::new(
                StatusCode::BAD_REQUEST,
                "TooManyRequestsException",
                "Due to throttling, the request was denied. Slow down the rate of request calls, or request an increase for this quota.",
            ),
            Service::Sts | Service::CloudWatch(_) => {
                ServiceError::new(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded")
            }
            Service::S3 => {
                ServiceError::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            _ => ServiceError::rate_too_high(),
        }
    }

    /// `action`: the name of the IAM action, without its prefix.
    pub(super) fn denied(service: &Service, account: &str, action: &str) -> ServiceError {
        match service {
            Service::Runtime => ServiceError::new(
                StatusCode::FORBIDDEN,
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
            ),
            service => ServiceError::new(
                StatusCode::FORBIDDEN,
                match service {
                    Service::Sts | Service::S3 | Service::CloudWatch(_) => "AccessDenied",
                    _ => "AccessDeniedException",
                },
                format!(
                    "User: arn:aws:iam::{account}:user/simulated is not authorized to perform: {}:{action}",
                    service.iam_prefix()
                ),
            ),
        }
    }

    pub(super) fn expired(service: &Service) -> ServiceError {
        if *service == Service::S3 {
            return ServiceError::new(StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.");
        }
        ServiceError::new(
            StatusCode::FORBIDDEN,
            if matches!(service, Service::Sts | Service::CloudWatch(_)) {
                "ExpiredToken"
            } else {
                "ExpiredTokenException"
            },
            "The security token included in the request is expired",
        )
    }

    pub(super) fn missing_token() -> ServiceError {
        ServiceError::new(StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "Missing Authentication Token")
    }

    pub(super) fn incomplete_signature(message: impl Into<Cow<'static, str>>) -> ServiceError {
        ServiceError::new(StatusCode::BAD_REQUEST, "IncompleteSignatureException", message)
    }

    pub(super) fn unknown_operation(what: impl std::fmt::Display) -> ServiceError {
        ServiceError::new(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            format!("The simulator does not serve {what}."),
        )
    }

    pub(super) fn body_too_large(limit: usize) -> ServiceError {
        ServiceError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            format!("The request body is larger than {limit} bytes."),
        )
    }

    pub(super) fn serialization(message: impl Into<Cow<'static, str>>) -> ServiceError {
        ServiceError::new(StatusCode::BAD_REQUEST, "SerializationException", message)
    }

    /// The status as `service` sends it. Service Quotas models no status: client errors are 400, its own faults 500
    /// (facts §1.6).
    pub(super) fn status_for(&self, service: &Service) -> StatusCode {
        match service {
            Service::Quotas if self.status.is_client_error() => StatusCode::BAD_REQUEST,
            _ => self.status,
        }
    }

    /// The `x-amzn-ErrorType` header of `service`, suffix included: the real service appends a namespace that clients
    /// must cut off.
    pub(super) fn type_header(&self, service: &Service) -> Option<String> {
        let namespace = match service {
            Service::Runtime | Service::Control => "http://internal.amazon.com/coral/com.amazon.bedrock/",
            Service::Quotas => "http://internal.amazon.com/coral/com.amazonaws.servicequotas/",
            Service::Sts | Service::S3 | Service::CloudWatch(_) => return None,
            Service::Other(_) => "http://internal.amazon.com/coral/com.amazon.coral.service/",
        };
        Some(format!("{}:{namespace}", self.code))
    }

    /// Headers by which `service` says more of its errors: CloudWatch the code that its clients of the query protocol
    /// knew.
    pub(super) fn more_headers(&self, service: &Service) -> Vec<(&'static str, String)> {
        let Service::CloudWatch(coding) = service else { return Vec::new() };
        let who = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        let mut headers = vec![("x-amzn-query-error", format!("{};{who}", self.code))];
        if *coding == Coding::Cbor {
            headers.push((CBOR_HEADER.0, CBOR_HEADER.1.to_owned()));
        }
        headers
    }

    /// Content type and body in the protocol of `service`.
    pub(super) fn body(&self, service: &Service, request_id: &str) -> (&'static str, Bytes) {
        match service {
            Service::Runtime | Service::Control | Service::Other(_) => {
                ("application/json", json(serde_json::json!({ "message": self.message })))
            }
            Service::Quotas => (
                "application/x-amz-json-1.1",
                json(serde_json::json!({ "__type": self.code, "Message": self.message })),
            ),
            Service::Sts | Service::CloudWatch(Coding::Query) => {
                let who = if self.status.is_server_error() { "Receiver" } else { "Sender" };
                let namespace = match service {
                    Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
                    _ => "http://monitoring.amazonaws.com/doc/2010-08-01/",
                };
                let text = format!(
                    "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>{who}</Type>\n    \
                     <Code>{}</Code>\n    <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
                    self.code,
                    escape_xml(&self.message),
                );
                ("text/xml", Bytes::from(text))
            }
            Service::CloudWatch(coding) => {
                let name = match self.code {
                    "InvalidParameterValue" => "InvalidParameterValueException",
                    "InvalidParameterCombination" => "InvalidParameterCombinationException",
                    "MissingParameter" => "MissingRequiredParameterException",
                    "InternalServiceError" => "InternalServiceFault",
                    code => code,
                };
                let name = format!("com.amazonaws.cloudwatch#{name}");
                let (content_type, body) =
                    coding.write(&serde_json::json!({ "__type": name, "message": self.message }));
                (content_type, body.into())
            }
            Service::S3 => {
                let text = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
                     <RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
                    self.code,
                    escape_xml(&self.message),
                );
                ("application/xml", Bytes::from(text))
            }
        }
    }
}

fn throttle(message: &'static str) -> ServiceError {
    ServiceError::new(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException", message)
}

fn json(value: serde_json::Value) -> Bytes {
    Bytes::from(value.to_string())
}

/// Text inside an XML element.
pub(super) fn escape_xml(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_writes_its_own_form() {
        let error = ServiceError::too_many_tokens();
        assert_eq!(
            error.type_header(&Service::Runtime).unwrap(),
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
        );
        let (kind, body) = error.body(&Service::Runtime, "r");
        assert_eq!(
            (kind, &body[..]),
            ("application/json", &br#"{"message":"Too many tokens, please wait before trying again."}"#[..])
        );

        let error = ServiceError::not_found("no <such> thing");
        assert_eq!(error.status_for(&Service::Quotas), StatusCode::BAD_REQUEST);
        assert_eq!(error.status_for(&Service::Control), StatusCode::NOT_FOUND);
        let (_, body) = error.body(&Service::Quotas, "r");
        assert_eq!(&body[..], br#"{"__type":"ResourceNotFoundException","Message":"no <such> thing"}"#);
        let (kind, body) = error.body(&Service::Sts, "req-1");
        assert_eq!(kind, "text/xml");
        let text = std::str::from_utf8(&body).unwrap();
        assert!(
            text.contains("<Message>no &lt;such&gt; thing</Message>") && text.contains("<RequestId>req-1</RequestId>")
        );
    }
}
