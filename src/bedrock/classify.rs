//! From the service's words to our classes. By exception type and message first; the HTTP status alone decides only
//! where a gateway answered without a type (`ModelNotReadyException` is a 429 and no throttle).

use crate::record::ErrorClass;

/// The class of an error with the exception name `code` (any namespace around it is ignored), the HTTP `status` if a
/// reply came, and the service's `message`.
///
/// Source of the names: the error tables of bedrock-runtime, service-quotas and STS; of the messages: texts seen from
/// the real service.
pub(crate) fn classify(code: &str, status: Option<u16>, message: &str) -> ErrorClass {
    let text = message.to_ascii_lowercase();
    match bare(code) {
        // Bedrock keys that are not valid are answered as a lack of access.
        "AccessDeniedException" | "AccessDenied" | "Forbidden"
            if text.contains("api key") || text.contains("security token") =>
        {
            ErrorClass::Credentials
        }
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "TooManyRequests"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => throttle(&text),
        "ModelNotReadyException" => ErrorClass::NotReady,
        "ServiceUnavailableException"
        | "ServiceUnavailable"
        | "overloaded_error"
        | "OverloadedException"
        | "SlowDown" => ErrorClass::Capacity,
        "ModelTimeoutException" | "RequestTimeout" | "RequestTimeoutException" => ErrorClass::Timeout,
        "InternalServerException"
        | "InternalServerError"
        | "InternalFailure"
        | "InternalError"
        | "ModelErrorException"
        | "ModelStreamErrorException"
        | "ServiceException" => ErrorClass::Server,
        "ValidationException" | "ValidationError" | "InvalidParameterValue" => validation(&text),
        "AccessDeniedException"
        | "AccessDenied"
        | "Forbidden"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "ResourceNotFoundException"
        | "FTUFormNotFilled"
        | "ServiceQuotaExceededException"
        | "OptInRequired"
        | "NoSuchResourceException" => ErrorClass::Access,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure"
        | "InvalidToken" => ErrorClass::Credentials,
        _ => by_status(status, &text),
    }
}

/// An exception name without what some services put around it: `namespace#Name:http://...`.
pub(crate) fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

/// Which meter threw, by the service's message. `tokens` is asked first: "too many tokens" may be followed by advice
/// about requests.
fn throttle(text: &str) -> ErrorClass {
    if text.contains("per day") || text.contains("daily") {
        ErrorClass::ThrottleTpd
    } else if text.contains("token") {
        ErrorClass::ThrottleTpm
    } else if text.contains("too many requests") || text.contains("request rate") || text.contains("rate of requests") {
        ErrorClass::ThrottleRpm
    } else {
        ErrorClass::ThrottleOther
    }
}

/// A refused body is the record's own fault, except where the route itself is what is refused: then every record would
/// fail alike, and it is the scope that has to be parked.
fn validation(text: &str) -> ErrorClass {
    const ROUTE: [&str; 6] = [
        "on-demand throughput isn't supported",
        "on-demand throughput isn\u{2019}t supported",
        "model identifier is invalid",
        "inference profile identifier is invalid",
        "operation not allowed",
        "this action doesn't support the model",
    ];
    const LARGE: [&str; 6] = [
        "input is too long",
        "prompt is too long",
        "too many input tokens",
        "context window",
        "context length",
        "request size exceeds",
    ];
    if ROUTE.iter().any(|part| text.contains(part)) {
        ErrorClass::Access
    } else if LARGE.iter().any(|part| text.contains(part)) {
        ErrorClass::TooLarge
    } else {
        ErrorClass::Validation
    }
}

/// The last resort for a reply without a type that we know.
fn by_status(status: Option<u16>, text: &str) -> ErrorClass {
    match status {
        Some(429) => throttle(text),
        Some(503 | 529) => ErrorClass::Capacity,
        Some(408 | 504) => ErrorClass::Timeout,
        Some(413) => ErrorClass::TooLarge,
        Some(401 | 407) => ErrorClass::Credentials,
        Some(403 | 404) => ErrorClass::Access,
        Some(424 | 500..=599) => ErrorClass::Server,
        Some(200..=299) => ErrorClass::Malformed,
        _ => ErrorClass::Other,
    }
}

/// The exception name of a mid-stream exception's member name: `throttlingException` becomes `ThrottlingException`.
pub(crate) fn exception_name(member: &str) -> String {
    let mut letters = member.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "UnknownException".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_of_the_real_service_has_its_class() {
        use ErrorClass::*;
        let cases: &[(u16, &str, &str, ErrorClass)] = &[
            (429, "ThrottlingException", "Too many requests, please wait before trying again.", ThrottleRpm),
            (
                429,
                "ThrottlingException",
                "Too many requests, please wait before trying again. You have sent too many requests. Wait before \
                 trying again.",
                ThrottleRpm,
            ),
            (429, "ThrottlingException", "Too many tokens, please wait before trying again.", ThrottleTpm),
            (429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", ThrottleTpd),
            (
                429,
                "ThrottlingException",
                "Your request rate is too high. Reduce the frequency of requests.",
                ThrottleRpm,
            ),
            (429, "ThrottlingException", "Rate exceeded", ThrottleOther),
            (400, "ThrottlingException", "", ThrottleOther),
            (429, "ModelNotReadyException", "Model is not ready for inference.", NotReady),
            (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", Capacity),
            (529, "overloaded_error", "Overloaded", Capacity),
            (529, "", "", Capacity),
            (424, "ModelErrorException", "The system encountered an unexpected error during processing.", Server),
            (424, "ModelStreamErrorException", "", Server),
            (500, "InternalServerException", "", Server),
            (408, "ModelTimeoutException", "", Timeout),
            (
                400,
                "ValidationException",
                "Invocation of model ID X with on-demand throughput isn't supported. Retry your request with the ID \
                 or ARN of an inference profile that contains this model.",
                Access,
            ),
            (400, "ValidationException", "The provided model identifier is invalid.", Access),
            (
                400,
                "ValidationException",
                "The maximum tokens you requested exceeds the model limit of 32768. Try again with a maximum tokens \
                 value lower than 32768.",
                Validation,
            ),
            (400, "ValidationException", "Input is too long for requested model.", TooLarge),
            (400, "ServiceQuotaExceededException", "", Access),
            (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", Access),
            (
                403,
                "AccessDeniedException",
                "Authentication failed: please make sure your API Key is valid.",
                Credentials,
            ),
            (404, "ResourceNotFoundException", "This model version has reached the end of its life.", Access),
            (404, "FTUFormNotFilled", "Model use case details have not been submitted for this account.", Access),
            (403, "ExpiredTokenException", "The security token included in the request is expired", Credentials),
            (403, "UnrecognizedClientException", "", Credentials),
            (403, "InvalidSignatureException", "", Credentials),
            (403, "MissingAuthenticationTokenException", "", Credentials),
            (400, "IncompleteSignature", "", Credentials),
            (502, "", "<html>Bad Gateway</html>", Server),
            (400, "SomethingNew", "what is this", Other),
        ];
        for (status, code, message, class) in cases {
            assert_eq!(classify(code, Some(*status), message), *class, "{status} {code} {message}");
        }
    }

    #[test]
    fn a_namespace_around_the_name_is_ignored() {
        let class =
            classify("com.amazon.coral.service#ThrottlingException:http://internal/", Some(429), "too many tokens");
        assert_eq!(class, ErrorClass::ThrottleTpm);
        assert_eq!(exception_name("modelStreamErrorException"), "ModelStreamErrorException");
        assert_eq!(exception_name(""), "UnknownException");
    }
}
