//! What an account needs before its first batch job: a bucket and a role. Printed, never created.

use std::fmt::Write as _;

use crate::record::Region;

/// The commands that create a role for batch jobs, for an account that has none.
#[must_use]
pub fn role_recipe(account: Option<&str>, region: &Region, bucket: Option<&str>) -> String {
    let account = account.unwrap_or("ACCOUNT");
    let bucket = bucket.unwrap_or("BUCKET");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"bedrock.amazonaws.com"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"aws:SourceAccount":"{account}"}},"ArnEquals":{{"aws:SourceArn":"arn:aws:bedrock:{region}:{account}:model-invocation-job/*"}}}}}}]}}"#
    );
    let access = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}}]}}"#
    );
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "A batch job needs a bucket in {region} and a role that Bedrock takes on to read and write there:\n\
         \x20 aws s3 mb s3://{bucket} --region {region}\n\
         \x20 aws iam create-role --role-name bedrock-batch --assume-role-policy-document '{trust}'\n\
         \x20 aws iam put-role-policy --role-name bedrock-batch --policy-name batch-s3 --policy-document '{access}'\n\
         Then: --storage s3://{bucket}/PREFIX/ --role arn:aws:iam::{account}:role/bedrock-batch\n\
         (Your own user needs iam:PassRole on it, and s3:GetObject, s3:PutObject, s3:ListBucket, s3:AbortMultipartUpload,\n\
         s3:DeleteObject on the bucket.)"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_are_json() {
        let text = role_recipe(Some("123456789012"), &Region::from("us-east-1"), Some("my-bucket"));
        let documents: Vec<&str> = text.split('\'').skip(1).step_by(2).collect();
        assert_eq!(documents.len(), 2);
        for document in documents {
            let value: serde_json::Value = serde_json::from_str(document).unwrap();
            assert_eq!(value["Version"], "2012-10-17");
        }
    }
}
