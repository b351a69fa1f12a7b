//! STS: who the caller is.

use super::call::Call;
use super::errors::escape_xml;
use super::reply::Answer;

/// `GetCallerIdentity`, in the query protocol.
pub(super) fn get_caller_identity(call: &Call) -> Answer {
    let account = escape_xml(&call.world.scenario.account);
    let request = &call.request_id;
    Answer::new(
        "text/xml",
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <GetCallerIdentityResult>\n    \
             <Arn>arn:aws:iam::{account}:user/simulated</Arn>\n    <UserId>AIDASIMULATEDUSER000</UserId>\n    \
             <Account>{account}</Account>\n  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    \
             <RequestId>{request}</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n"
        ),
    )
}
