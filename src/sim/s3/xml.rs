//! S3's XML documents.

use std::fmt::Display;

use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_smithy_xml::encode::{ScopeWriter, XmlWriter};

use super::super::errors::ServiceError;
use super::super::reply::Answer;
use super::errors;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An answer whose root element `fill` writes.
pub(super) fn answer(root: &str, fill: impl FnOnce(&mut ScopeWriter<'_, '_>)) -> Answer {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut writer = XmlWriter::new(&mut text);
    let mut scope = writer.start_el(root).write_ns(NAMESPACE, None).finish();
    fill(&mut scope);
    scope.finish();
    Answer::new("application/xml", text)
}

/// Writes an element that holds text.
pub(super) fn text(scope: &mut ScopeWriter<'_, '_>, name: &str, value: impl Display) {
    scope.start_el(name).finish().data(&value.to_string());
}

/// Writes an element that holds text, if there is any.
pub(super) fn maybe(scope: &mut ScopeWriter<'_, '_>, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        text(scope, name, value);
    }
}

/// Shows the elements inside the root of a request's document to `visitor`.
pub(super) fn each_child(
    document: &[u8],
    mut visitor: impl FnMut(&mut ScopedDecoder<'_, '_>) -> Result<(), XmlDecodeError>,
) -> Result<(), ServiceError> {
    let malformed = |_| errors::malformed_xml();
    let text = std::str::from_utf8(document).map_err(|_| errors::malformed_xml())?;
    // The decoder takes broken text for the end of the document: a list cut short must not pass for a shorter one.
    for token in Document::new(text) {
        token.map_err(malformed)?;
    }
    let mut document = Document::new(text);
    let mut root = document.root_element().map_err(malformed)?;
    while let Some(mut child) = root.next_tag() {
        visitor(&mut child).map_err(malformed)?;
    }
    Ok(())
}

/// Shows the elements that hold text inside `parent`: name and text.
pub(super) fn each_field(
    parent: &mut ScopedDecoder<'_, '_>,
    mut visitor: impl FnMut(&str, &str),
) -> Result<(), XmlDecodeError> {
    while let Some(mut field) = parent.next_tag() {
        let name = field.start_el().local().to_owned();
        visitor(&name, &try_data(&mut field)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_documents_are_refused() {
        for text in ["", "{}", "<Delete><Object></Delete", "<Delete><Object><Key>\u{0}</Key></Object></Delete>"] {
            let seen = each_child(text.as_bytes(), |child| each_field(child, |_, _| {}));
            assert_eq!(seen.unwrap_err().code, "MalformedXML", "{text}");
        }
        assert_eq!(each_child(b"\xff", |_| Ok(())).unwrap_err().code, "MalformedXML");
    }

    #[test]
    fn fields_are_read_unescaped() {
        let mut fields = Vec::new();
        let text = b"<?xml version=\"1.0\"?><Delete xmlns=\"x\"><Object><Key>a &lt;b&gt;</Key><Size>1</Size></Object></Delete>";
        each_child(text, |child| each_field(child, |name, value| fields.push(format!("{name}={value}")))).unwrap();
        assert_eq!(fields, ["Key=a <b>", "Size=1"]);
    }
}
