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

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded()
}

#[test]
fn every_model_is_sound() {
    for model in catalogue().models() {
        let id = &model.id;
        assert!([1, 5, 10, 15].contains(&model.burndown), "{id}: burndown {}", model.burndown);
        assert!(model.default_max_output > 0 && model.default_max_output <= model.max_output, "{id}: default output");
        assert!(model.max_output <= model.context_window, "{id}: output larger than the window");
        assert!(model.on_demand || !model.profiles.is_empty(), "{id} cannot be called at all");
        assert!(!model.name.is_empty() && !model.provider.is_empty() && !model.quota_names.is_empty(), "{id}: names");
        assert_eq!((base_id(id), bucket_kind(id)), (id.as_str(), BucketKind::Base));
        assert_eq!(catalogue().model(id).map(|found| &found.id), Some(id));
        for prefix in &model.profiles {
            let profile = format!("{prefix}.{id}");
            assert_eq!(base_id(&profile), id, "{prefix} is no known prefix");
            let kind = if prefix == "global" { BucketKind::Global } else { BucketKind::Geo };
            assert_eq!(bucket_kind(&profile), kind, "{profile}");
        }
        if let Some(price) = model.price {
            assert!(price.input > 0.0 && price.output >= price.input, "{id}: {price:?}");
            assert!(price.cache_read.is_none_or(|read| read > 0.0 && read < price.input), "{id}: {price:?}");
            assert!(price.cache_write.is_none_or(|write| write >= price.input), "{id}: {price:?}");
            assert!(
                price.batch.is_none_or(|(i, o)| i == price.input / 2.0 && o == price.output / 2.0),
                "{id}: {price:?}"
            );
        }
    }
}

#[test]
fn burndown_follows_the_published_table() {
    let models = catalogue().models().iter().filter(|model| model.burndown > 1);
    let mut by_rate: Vec<_> = models.map(|model| (model.burndown, model.name.as_str())).collect();
    by_rate.sort();
    assert_eq!(
        by_rate,
        [
            (5, "Claude 3.7 Sonnet"),
            (5, "Claude Haiku 4.5"),
            (5, "Claude Opus 4"),
            (5, "Claude Opus 4.1"),
            (5, "Claude Opus 4.5"),
            (5, "Claude Opus 4.6"),
            (5, "Claude Opus 4.7"),
            (5, "Claude Sonnet 4"),
            (5, "Claude Sonnet 4.5"),
            (5, "Claude Sonnet 4.6"),
            (10, "Claude Fable 5.1"),
            (10, "Claude Opus 5"),
            (10, "Claude Opus 5.5"),
            (10, "Claude Sonnet 5"),
            (15, "Claude Opus 4.8"),
        ]
    );
}

/// Every row that Service Quotas has for on-demand inference means what the row's own columns say.
#[test]
fn every_runtime_quota_is_understood() {
    let mut understood = 0;
    for row in catalogue().quotas() {
        let meaning = catalogue().match_quota_name(&row.name);
        let metric = match row.metric.as_deref() {
            Some("rpm") => Metric::Rpm,
            Some("tpm") => Metric::Tpm,
            Some("tpd") => Metric::Tpd,
            _ => {
                assert_eq!(meaning, None, "{}", row.name);
                continue;
            }
        };
        let latency_optimized = row.name.contains("latency-optimized");
        let applies = match row.scope.as_deref() {
            Some("custom-model-deployment" | "mantle") => {
                assert_eq!(meaning, None, "{}", row.name);
                continue;
            }
            Some("on-demand") => Applies::Bucket(BucketKind::Base),
            Some("cross-region") => Applies::Bucket(BucketKind::Geo),
            Some("global-cross-region") => Applies::Bucket(BucketKind::Global),
            Some("account") => Applies::Account,
            Some("model-day") => {
                Applies::ModelDay { cross_region_factor: if row.name.contains("doubled") { 2 } else { 1 } }
            }
            None if latency_optimized => Applies::Bucket(BucketKind::Base),
            other => panic!("{}: scope {other:?}", row.name),
        };
        let meaning = meaning.unwrap_or_else(|| panic!("{} is not understood", row.name));
        assert_eq!((meaning.applies, meaning.metric), (applies, metric), "{}", row.name);
        assert!(row.model_ids.iter().all(|id| meaning.model_ids.contains(id)), "{}: {:?}", row.name, meaning.model_ids);
        let special = latency_optimized || row.name.contains("1M Context Length");
        assert_eq!(meaning.variant == Variant::Standard, !special, "{}", row.name);
        assert!(!special || meaning.model_ids.is_empty(), "{}", row.name);
        understood += 1;
    }
    assert_eq!(understood, 369);
}

#[test]
fn both_spellings_name_the_same_models() {
    let ids = |name: &str| catalogue().match_quota_name(name).map(|meaning| meaning.model_ids);
    let haiku = Some(vec!["anthropic.claude-3-haiku-20240307-v1:0".to_owned()]);
    for kind in ["On-demand", "Cross-region", "Cross-Region", "Global cross-region", "Global Cross-Region"] {
        for verb in ["model inference", "InvokeModel"] {
            assert_eq!(ids(&format!("{kind} {verb} tokens per minute for Anthropic Claude 3 Haiku")), haiku);
        }
    }
    assert_eq!(
        ids("Cross-region model inference tokens per minute for Anthropic Claude Haiku 5.5"),
        Some(vec!["anthropic.claude-haiku-5-5".to_owned()]),
        "no row yet, but the model is known"
    );
    assert_eq!(ids("On-demand model inference tokens per minute for Nobody's Model 9"), None);
    assert_eq!(ids("Cross-region model inference tokens per minute for Nobody's Model 1M Context Length"), None);
    assert_eq!(
        ids("Model invocation max tokens per day for Anthropic Claude Sonnet 4 V1"),
        Some(vec!["anthropic.claude-sonnet-4-20250514-v1:0".to_owned()]),
        "its row carries no id, others of the same name do"
    );
    assert_eq!(
        ids("On-demand InvokeModel tokens per minute for Anthropic Claude Instant"),
        Some(Vec::new()),
        "an old model without a known id"
    );
}

/// The quotas say which models exist where; the catalogue's own lists must not fall behind them.
#[test]
fn models_offer_every_bucket_that_has_a_quota() {
    for row in catalogue().quotas() {
        let Some(meaning) = catalogue().match_quota_name(&row.name) else { continue };
        let Applies::Bucket(kind) = meaning.applies else { continue };
        for model in meaning.model_ids.iter().filter_map(|id| catalogue().model(id)) {
            let offered = match kind {
                BucketKind::Base => model.on_demand,
                BucketKind::Geo => model.profiles.iter().any(|prefix| prefix != "global"),
                BucketKind::Global => model.profiles.iter().any(|prefix| prefix == "global"),
            };
            assert!(offered, "{}: {}", model.id, row.name);
            assert!(model.rpm_quota || meaning.metric != Metric::Rpm, "{}: {}", model.id, row.name);
        }
    }
}

#[test]
fn defaults_are_found_by_region_and_bucket() {
    let value = |region: &str, id: &str, metric| {
        catalogue().default_quota(region, id, metric).map(|quota| (quota.value, quota.as_of, quota.code))
    };
    let code = |code: &str| Some(code.to_owned());
    let lite = "amazon.nova-lite-v1:0";
    assert_eq!(value("us-east-1", lite, Metric::Rpm), Some((1_000, 2025, code("L-E386A278"))));
    assert_eq!(value("eu-west-1", lite, Metric::Rpm), Some((100, 2025, code("L-E386A278"))));
    let us_lite = "us.amazon.nova-lite-v1:0";
    assert_eq!(value("us-east-1", us_lite, Metric::Tpm), Some((8_000_000, 2026, code("L-7C42E72A"))), "newer wins");
    assert_eq!(value("us-east-1", us_lite, Metric::Rpm), Some((2_000, 2025, code("L-89F8391A"))));
    let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(value("us-east-1", haiku, Metric::Tpm), None, "not offered on demand");
    let us_haiku = format!("us.{haiku}");
    assert_eq!(value("us-east-1", &us_haiku, Metric::Rpm), Some((10_000, 2026, code("L-CCA5DF70"))));
    let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.{haiku}");
    assert_eq!(value("us-east-1", &arn, Metric::Tpm), Some((5_000_000, 2026, code("L-9A11C666"))));
    assert_eq!(value("us-east-1", "global.anthropic.claude-opus-4-8", Metric::Rpm), None, "has no such quota");
    let sonnet_4 = "us.anthropic.claude-sonnet-4-20250514-v1:0";
    assert_eq!(value("us-east-1", sonnet_4, Metric::Tpd), Some((288_000_000, 2025, code("L-22F701C5"))), "doubled");
    assert_eq!(value("us-east-1", "nobody.model", Metric::Tpm), None);
    assert_eq!(
        value("us-east-1", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", Metric::Tpd),
        Some((7_200_000_000, 2026, code("L-BC182137")))
    );
    let account = catalogue().default_account_tpd("eu-central-1").map(|quota| (quota.value, quota.code));
    assert_eq!(account, Some((700_000_000, code("L-E3F10727"))));
}

#[test]
fn models_are_found_by_every_name() {
    let name = |id: &str| catalogue().model(id).map(|model| model.name.as_str());
    assert_eq!(name("amazon.titan-text-express-v1"), Some("Titan Text Express"));
    assert_eq!(name("amazon.titan-text-express-v1:0:8k"), Some("Titan Text Express"));
    assert_eq!(name("anthropic.claude-3-haiku-20240307-v1:0:200k"), Some("Claude 3 Haiku"));
    assert_eq!(name("apac.amazon.nova-pro-v1:0"), Some("Nova Pro"));
    assert_eq!(name("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-pro-v1:0"), Some("Nova Pro"));
    assert_eq!(name("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/amazon.nova-pro-v1:0"), None);
    assert_eq!(name("amazon.nova-pro"), None);
    assert_eq!(name(""), None);
}
