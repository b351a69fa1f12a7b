//! Whether a scenario can be simulated, and what it means where it is silent.

use crate::catalogue::{Catalogue, RouteKind};

use super::constraints::is_joined;
use super::demo;
use super::route::{Operation, Service};
use super::scenario::{JobSpec, ProvisionedSpec, RegionSpec, Scenario};

/// The largest quota, so that sums of a day stay far from overflow.
const LARGEST: u64 = 1_000_000_000_000;

impl Scenario {
    /// Fills in what the scenario leaves open: the demo's Regions and quotas where it has none, and every Region that
    /// a quota names.
    ///
    /// # Errors
    /// Everything that is wrong with it, one line each: key, value, what is allowed.
    pub fn resolve(mut self, catalogue: &'static Catalogue) -> Result<Scenario, Vec<String>> {
        if self.regions.is_empty() {
            self.regions = demo::regions();
        }
        if self.quotas.is_empty() {
            let known = |region: &str| self.regions.iter().any(|known| known.name == region);
            self.quotas = demo::quotas().into_iter().filter(|quota| known(&quota.region)).collect();
        }
        for quota in &self.quotas {
            if !self.regions.iter().any(|region| region.name == quota.region) {
                self.regions.push(RegionSpec { name: quota.region.clone(), ..RegionSpec::default() });
            }
        }
        let errors = self.errors(catalogue);
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Everything that is wrong with the scenario's values.
    fn errors(&self, catalogue: &'static Catalogue) -> Vec<String> {
        let mut errors = Errors::default();
        if self.account.len() != 12 || !self.account.bytes().all(|digit| digit.is_ascii_digit()) {
            errors.add("account", &self.account, "12 digits");
        }
        errors.within("speed", self.speed, 0.001, 1e6);
        errors.within("output_tokens", self.output_tokens, 1.0, 1e6);
        errors.within("output_sigma", self.output_sigma, 0.0, 5.0);
        errors.within("metric_delay_s", self.metric_delay_s, 0.0, 86_400.0);
        errors.count("tpd", Some(self.tpd));
        for (index, region) in self.regions.iter().enumerate() {
            let key = |name: &str| format!("region[{index}].{name}");
            if !is_region(&region.name) {
                errors.add(&key("name"), &region.name, "a Region such as us-east-1");
            } else if self.regions[..index].iter().any(|earlier| earlier.name == region.name) {
                errors.add(&key("name"), &region.name, "each Region once");
            }
            errors.within(&key("ttft_ms"), region.ttft_ms, 0.0, 600_000.0);
            errors.within(&key("tokens_per_second"), region.tokens_per_second, 0.1, 1e6);
        }
        self.quota_errors(catalogue, &mut errors);
        for (index, tenant) in self.tenants.iter().enumerate() {
            let key = |name: &str| format!("tenant[{index}].{name}");
            if !self.quotas.iter().any(|quota| quota.region == tenant.region && quota.model == tenant.model) {
                let place = format!("{} {}", tenant.region, tenant.model);
                errors.add(&key("region, model"), &place, "the Region and model of a [[quota]]");
            }
            errors.within(&key("tokens_per_minute"), tenant.tokens_per_minute, 0.0, LARGEST as f64);
        }
        self.fault_errors(&mut errors);
        self.provisioned_errors(catalogue, &mut errors);
        self.job_errors(catalogue, &mut errors);
        errors.0
    }

    fn provisioned_errors(&self, catalogue: &'static Catalogue, errors: &mut Errors) {
        for (index, quota) in self.service_quotas.iter().enumerate() {
            let key = |name: &str| format!("service_quota[{index}].{name}");
            let row = catalogue.quotas().iter().find(|row| row.code.as_deref() == Some(&quota.code));
            match row {
                None => errors.add(&key("code"), &quota.code, "a quota code such as L-9C8C5911"),
                Some(row) if catalogue.match_quota_name(&row.name).is_some() => {
                    errors.add(
                        &key("code"),
                        &quota.code,
                        "no quota of on-demand inference: that is a [[quota]] or `tpd`",
                    );
                }
                Some(_) => {}
            }
            errors.within(&key("value"), quota.value, 0.0, 1e15);
            if let Some(region) = &quota.region {
                self.check_region(&key("region"), region, errors);
            }
        }
        for (index, model) in self.provisioned.iter().enumerate() {
            let key = |name: &str| format!("provisioned[{index}].{name}");
            self.check_region(&key("region"), &model.region, errors);
            if catalogue.provisioned_variant(&model.model).is_none() {
                let variants = catalogue.model(&model.model).map(|model| catalogue.provisioned_variants_of(model));
                let ids: Vec<&str> = variants.into_iter().flatten().map(|variant| variant.id.as_str()).collect();
                let allowed = if ids.is_empty() {
                    "a model id with its context variant, such as amazon.nova-pro-v1:0:24k".to_owned()
                } else {
                    ids.join(" or ")
                };
                errors.add(&key("model"), &model.model, &allowed);
            }
            let same = |other: &ProvisionedSpec| other.region == model.region && other.name == model.name;
            if model.name.is_empty() || model.name.len() > 63 || !is_joined(&model.name) {
                errors.add(&key("name"), &model.name, "1 to 63 letters and digits with single - or _ between them");
            } else if self.provisioned[..index].iter().any(same) {
                errors.add(&key("name"), &model.name, "each name once in a Region");
            }
            errors.within(&key("units"), model.units as f64, 1.0, 1e6);
            errors.within(&key("age_hours"), model.age_hours, 0.0, 100_000.0);
        }
    }

    fn job_errors(&self, catalogue: &'static Catalogue, errors: &mut Errors) {
        errors.within("batch_error_rate", self.batch_error_rate, 0.0, 1.0);
        for (index, job) in self.jobs.iter().enumerate() {
            let key = |name: &str| format!("job[{index}].{name}");
            self.check_region(&key("region"), &job.region, errors);
            match catalogue.route(&job.region, &job.model) {
                Ok(route) if route.model.is_some() => {}
                Ok(_) => errors.add(&key("model"), &job.model, "a foundation model or a system-defined profile"),
                Err(error) => errors.0.push(format!("{} = {:?}: {error}", key("model"), job.model)),
            }
            let same = |other: &JobSpec| other.region == job.region && other.name == job.name;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if job.name.is_empty() || job.name.len() > 63 || !job.name.bytes().all(plain) || job.name.starts_with('-') {
                errors.add(&key("name"), &job.name, "1 to 63 letters, digits and -");
            } else if self.jobs[..index].iter().any(same) {
                errors.add(&key("name"), &job.name, "each name once in a Region");
            }
            errors.within(&key("records"), job.records as f64, 1.0, 1e6);
            errors.within(&key("age_minutes"), job.age_minutes, 0.0, 1e6);
            errors.within(&key("error_rate"), job.error_rate, 0.0, 1.0);
        }
    }

    fn check_region(&self, key: &str, region: &str, errors: &mut Errors) {
        if !self.regions.iter().any(|known| known.name == region) {
            errors.add(key, region, "a Region of the scenario");
        }
    }

    fn quota_errors(&self, catalogue: &'static Catalogue, errors: &mut Errors) {
        for (index, quota) in self.quotas.iter().enumerate() {
            let key = |name: &str| format!("quota[{index}].{name}");
            match catalogue.route(&quota.region, &quota.model) {
                Ok(route) if matches!(route.kind, RouteKind::OnDemand | RouteKind::Geographic | RouteKind::Global) => {}
                Ok(_) => errors.add(&key("model"), &quota.model, "a foundation model or a system-defined profile"),
                Err(error) => errors.0.push(format!("{} = {:?}: {error}", key("model"), quota.model)),
            }
            let same = |other: &super::scenario::QuotaSpec| other.region == quota.region && other.model == quota.model;
            if self.quotas[..index].iter().any(same) {
                errors.add(&key("model"), &quota.model, "each Region and model once");
            }
            errors.count(&key("rpm"), quota.rpm);
            errors.count(&key("tpm"), quota.tpm);
            errors.count(&key("tpd"), quota.tpd);
            errors.within(&key("reject_charge"), quota.reject_charge, 0.0, 1.0);
            errors.within(&key("burst_seconds"), quota.burst_seconds, 0.1, 86_400.0);
        }
    }

    fn fault_errors(&self, errors: &mut Errors) {
        for (index, fault) in self.faults.iter().enumerate() {
            let key = |name: &str| format!("fault[{index}].{name}");
            let named = fault.operation.as_deref().and_then(Operation::named).map(Operation::service);
            let meant = named.unwrap_or(Service::Runtime);
            let service = fault.service.as_deref().unwrap_or(meant.name());
            let operations: Vec<Operation> =
                Operation::ALL.into_iter().filter(|operation| operation.service().name() == service).collect();
            if operations.is_empty() {
                errors.add(&key("service"), service, "bedrock-runtime, bedrock, servicequotas, sts, s3 or monitoring");
            } else if let Some(wanted) = &fault.operation
                && !operations.iter().any(|operation| operation.to_string() == *wanted)
            {
                let names: Vec<String> = operations.iter().map(ToString::to_string).collect();
                errors.add(&key("operation"), wanted, &format!("an operation of {service}: {}", names.join(", ")));
            }
            if let Some(region) = &fault.region {
                self.check_region(&key("region"), region, errors);
            }
            errors.within(&key("at_s"), fault.at_s, 0.0, 1e9);
            if let Some(length) = fault.for_s {
                errors.within(&key("for_s"), length, 0.0, 1e9);
            }
            errors.within(&key("rate"), fault.rate, 0.0, 1.0);
        }
    }
}

#[derive(Default)]
struct Errors(Vec<String>);

impl Errors {
    fn add(&mut self, key: &str, value: &str, allowed: &str) {
        self.0.push(format!("{key} = {value:?}: must be {allowed}"));
    }

    fn within(&mut self, key: &str, value: f64, least: f64, most: f64) {
        // Also refuses what is no number.
        if !(least..=most).contains(&value) {
            self.0.push(format!("{key} = {value}: must be from {least} to {most}"));
        }
    }

    fn count(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value
            && value > LARGEST
        {
            self.0.push(format!("{key} = {value}: must be at most {LARGEST}"));
        }
    }
}

fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() >= 3 && parts.last().is_some_and(digits) && parts[..parts.len() - 1].iter().all(letters)
}

#[cfg(test)]
mod tests {
    use super::super::scenario::{Fault, FaultKind, QuotaSpec, ServiceQuotaSpec, TenantSpec};
    use super::*;

    fn resolve(scenario: Scenario) -> Result<Scenario, Vec<String>> {
        scenario.resolve(Catalogue::embedded())
    }

    #[test]
    fn the_demo_holds_and_fills_a_silent_scenario() {
        let demo = resolve(Scenario::demo()).unwrap();
        let silent = resolve(Scenario::default()).unwrap();
        assert_eq!(silent.quotas, demo.quotas);
        assert_eq!(silent.regions, demo.regions);
        assert!(silent.faults.is_empty());
    }

    #[test]
    fn a_quota_brings_its_region() {
        let quota = QuotaSpec {
            region: "ap-northeast-1".into(),
            model: "amazon.nova-lite-v1:0".into(),
            rpm: Some(1),
            ..QuotaSpec::default()
        };
        let scenario = resolve(Scenario { quotas: vec![quota.clone()], ..Scenario::default() }).unwrap();
        assert_eq!(scenario.quotas, [quota]);
        assert!(scenario.regions.iter().any(|region| region.name == "ap-northeast-1"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let scenario = Scenario {
            account: "12".into(),
            speed: f64::NAN,
            regions: vec![RegionSpec { name: "moon".into(), ..RegionSpec::default() }],
            quotas: vec![QuotaSpec {
                region: "us-east-1".into(),
                model: "anthropic.claude-sonnet-4-5-20250929-v1:0".into(),
                reject_charge: 2.0,
                tpm: Some(u64::MAX),
                ..QuotaSpec::default()
            }],
            tenants: vec![TenantSpec {
                region: "us-east-1".into(),
                model: "x".into(),
                tokens_per_minute: -1.0,
                ..TenantSpec::default()
            }],
            faults: vec![Fault {
                region: Some("eu-north-1".into()),
                kind: FaultKind::Outage,
                service: None,
                operation: Some("Dance".into()),
                model: None,
                at_s: -1.0,
                for_s: None,
                rate: 1.5,
            }],
            service_quotas: vec![
                ServiceQuotaSpec { code: "L-8CE99163".into(), ..ServiceQuotaSpec::default() },
                ServiceQuotaSpec { code: "x".into(), ..ServiceQuotaSpec::default() },
            ],
            provisioned: vec![ProvisionedSpec {
                region: "mars".into(),
                name: "a--b".into(),
                model: "amazon.nova-pro-v1:0".into(),
                units: 0,
                ..ProvisionedSpec::default()
            }],
            jobs: vec![JobSpec {
                region: "us-east-1".into(),
                name: "x".into(),
                model: "nobody.nothing".into(),
                error_rate: 2.0,
                ..JobSpec::default()
            }],
            batch_error_rate: -1.0,
            ..Scenario::default()
        };
        let errors = resolve(scenario).unwrap_err().join("\n");
        for wanted in [
            "account = \"12\"",
            "speed = NaN",
            "region[0].name = \"moon\"",
            "quota[0].model = \"anthropic.claude-sonnet-4-5-20250929-v1:0\": Invocation of model ID",
            "quota[0].reject_charge = 2",
            "quota[0].tpm",
            "tenant[0].region, model = \"us-east-1 x\"",
            "tenant[0].tokens_per_minute = -1",
            "fault[0].region = \"eu-north-1\"",
            "fault[0].operation = \"Dance\": must be an operation of bedrock-runtime: Converse, ",
            "fault[0].at_s = -1",
            "fault[0].rate = 1.5",
            "service_quota[0].code = \"L-8CE99163\": must be no quota of on-demand inference",
            "service_quota[1].code = \"x\"",
            "provisioned[0].region = \"mars\"",
            "provisioned[0].model = \"amazon.nova-pro-v1:0\": must be amazon.nova-pro-v1:0:24k or amazon.nova-pro-v1:0:300k",
            "provisioned[0].name = \"a--b\"",
            "provisioned[0].units = 0",
            "job[0].model = \"nobody.nothing\"",
            "job[0].error_rate = 2",
            "batch_error_rate = -1",
        ] {
            assert!(errors.contains(wanted), "{wanted} is not in\n{errors}");
        }
    }
}
