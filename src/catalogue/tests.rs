use super::*;

#[test]
fn the_embedded_files_parse() {
    let parsed = Catalogue::parse(include_str!("models.toml")).unwrap_or_else(|error| panic!("{error}"));
    assert!(parsed.models.len() >= 60);
    assert_eq!(parsed.by_id.len(), parsed.models.len(), "a model is listed twice");
    let book = QuotaBook::parse(include_str!("quotas.json"), &parsed.models).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(book.rows().len(), 930);
    assert!(!parsed.sources().is_empty());
    assert_eq!(parsed.as_of(), "2026-11-22");
}
