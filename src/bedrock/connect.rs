//! The clients of each Region, made by the rules of the target.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_types::SdkConfig;

use crate::record::{ErrorClass, Failure, Region};

use super::clock::ServiceClock;
use super::credentials::Remembering;
use super::exchange::Genuine;
use super::failure::{Remedy, own};
use super::target::Target;
use super::transport::{self, Proxies};

/// How connections are made and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept for the next call.
    pub keep_alive: Duration,
    /// How long a question to the control plane (identity, quotas, models) may take, its retries included.
    pub control_timeout: Duration,
}

impl Default for ConnectionSettings {
    /// 5 s to connect, 60 s idle (below the service's own), 20 s for a question to the control plane.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(60),
            control_timeout: Duration::from_secs(20),
        }
    }
}

/// How long one attempt to send a part of an object may take, or the head of its contents to come: 8 MiB over a line of
/// half a megabit per second.
const OBJECT_ATTEMPT: Duration = Duration::from_secs(150);

/// Why no clients could be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConnectError {
    /// No Region was given.
    #[error("no Region: name one with `--region us-east-1`, or set AWS_REGION")]
    NoRegion,
    /// A Region name that cannot be one.
    #[error("`{0}` is no Region: names look like us-east-1")]
    BadRegion(String),
}

/// The clients of one Region.
#[derive(Debug)]
pub(super) struct RegionClients {
    pub(super) runtime: aws_sdk_bedrockruntime::Client,
    pub(super) control: aws_sdk_bedrock::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    pub(super) metrics: aws_sdk_cloudwatch::Client,
    pub(super) objects: aws_sdk_s3::Client,
}

/// The SDK clients of all Regions in use, over one connector. Cheap to share, made once.
#[derive(Debug)]
pub struct Clients {
    pub(super) simulated: bool,
    pub(super) regions: BTreeMap<Region, RegionClients>,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) credentials: Remembering,
    pub(super) clock: ServiceClock,
    pub(super) remedy: Remedy,
    pub(super) settings: ConnectionSettings,
}

impl Clients {
    /// Makes the clients of `regions` for `target`. Talks to nobody: the credentials are looked up with the first call,
    /// and what is wrong with them is that call's failure.
    ///
    /// For a simulator nothing is read from the environment, the shared config files or the metadata service.
    ///
    /// # Errors
    /// No Region, or a name that cannot be one.
    pub async fn connect(
        target: &Target,
        regions: &[Region],
        settings: ConnectionSettings,
    ) -> Result<Clients, ConnectError> {
        let first = regions.first().ok_or(ConnectError::NoRegion)?;
        if let Some(bad) = regions.iter().find(|region| !plausible(region.as_str())) {
            return Err(ConnectError::BadRegion(super::message::one_line(bad.as_str())));
        }
        let (base, remedy) = match target {
            Target::Simulator { url } => (for_simulator(url, &settings), Remedy::Simulator),
            Target::Aws { endpoint, profile } => {
                let base = for_aws(endpoint.as_ref(), profile.as_deref(), first, &settings).await;
                (base, Remedy::for_aws(target.profile()))
            }
        };
        let credentials = Remembering::around(base.credentials_provider());
        let base =
            base.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials.clone())).build();
        let genuine = !target.simulated();
        let clock = ServiceClock::default();
        let each = |region: &Region| (region.clone(), RegionClients::new(&base, region, &settings, genuine, &clock));
        Ok(Clients {
            simulated: target.simulated(),
            regions: regions.iter().map(each).collect(),
            sts: {
                let config = aws_sdk_sts::config::Builder::from(&for_questions(&base, first, &settings));
                let config = config.interceptor(clock.clone());
                aws_sdk_sts::Client::from_conf(if genuine { config.interceptor(Genuine) } else { config }.build())
            },
            credentials,
            clock,
            remedy,
            settings,
        })
    }

    /// Replies of these clients are simulated.
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.simulated
    }

    /// The Regions with clients, sorted.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.keys()
    }

    /// How connections are made and kept.
    #[must_use]
    pub fn settings(&self) -> ConnectionSettings {
        self.settings
    }

    /// The service's time minus ours, milliseconds, by the `Date` of the last reply to a question; 0 where they agree
    /// within two seconds, and before the first reply.
    #[must_use]
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock.offset_ms()
    }

    /// How many times as fast as ours the service's clock runs, where it does not run as ours: a simulator's `speed`.
    #[must_use]
    pub fn clock_speed(&self) -> Option<f64> {
        self.clock.speed()
    }

    /// When the credentials in use end. Looks them up if no call has needed them yet; `None` if they do not end, or if
    /// there are none.
    pub async fn credentials_until(&self) -> Option<SystemTime> {
        self.credentials.until().await
    }

    pub(super) fn region(&self, region: &Region) -> Result<&RegionClients, Failure> {
        self.regions
            .get(region)
            .ok_or_else(|| own(ErrorClass::Other, "NoSuchRegion", &format!("no client was made for Region {region}")))
    }
}

impl RegionClients {
    /// `genuine`: no reply of a simulator may pass.
    fn new(
        base: &SdkConfig,
        region: &Region,
        settings: &ConnectionSettings,
        genuine: bool,
        clock: &ServiceClock,
    ) -> RegionClients {
        let name = aws_types::region::Region::new(region.as_str().to_owned());
        let questions = for_questions(base, region, settings);
        let mut runtime = aws_sdk_bedrockruntime::config::Builder::from(base)
            .region(name)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled());
        let mut control = aws_sdk_bedrock::config::Builder::from(&questions).interceptor(clock.clone());
        let mut quotas = aws_sdk_servicequotas::config::Builder::from(&questions).interceptor(clock.clone());
        let mut metrics = aws_sdk_cloudwatch::config::Builder::from(&questions).interceptor(clock.clone());
        // Behind an endpoint of the user's own there is no host for each bucket.
        let mut objects = aws_sdk_s3::config::Builder::from(&questions)
            .force_path_style(base.endpoint_url().is_some())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(OBJECT_ATTEMPT).build());
        if genuine {
            runtime = runtime.interceptor(Genuine);
            control = control.interceptor(Genuine);
            quotas = quotas.interceptor(Genuine);
            metrics = metrics.interceptor(Genuine);
            objects = objects.interceptor(Genuine);
        }
        RegionClients {
            runtime: aws_sdk_bedrockruntime::Client::from_conf(runtime.build()),
            control: aws_sdk_bedrock::Client::from_conf(control.build()),
            quotas: aws_sdk_servicequotas::Client::from_conf(quotas.build()),
            metrics: aws_sdk_cloudwatch::Client::from_conf(metrics.build()),
            objects: aws_sdk_s3::Client::from_conf(objects.build()),
        }
    }
}

/// The configuration for questions to the control plane: those may be asked again by the SDK, since they cost nothing and
/// no limiter counts them.
fn for_questions(base: &SdkConfig, region: &Region, settings: &ConnectionSettings) -> SdkConfig {
    base.to_builder()
        .region(aws_types::region::Region::new(region.as_str().to_owned()))
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_max_backoff(Duration::from_secs(3)))
        .timeout_config(TimeoutConfig::builder().operation_timeout(settings.control_timeout).build())
        .build()
}

/// Nothing but what is written here: no environment, no profile files, no metadata service, no proxy. Bearer tokens are
/// shut out twice: their variable is not read, and SigV4 is preferred.
fn for_simulator(url: &url::Url, settings: &ConnectionSettings) -> SdkConfig {
    let connector = transport::connector(settings, Proxies::Never, url.scheme() == "https");
    let dummy = Credentials::new("AKIDBEDROCKTOPSIM000", "dummy-secret-of-the-simulator", None, None, "simulator");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url.as_str().trim_end_matches('/'))
        .credentials_provider(SharedCredentialsProvider::new(dummy))
        .auth_scheme_preference([AuthSchemeId::new("sigv4")])
        .http_client(transport::http_client(connector))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// The AWS conventions, whole.
async fn for_aws(
    endpoint: Option<&url::Url>,
    profile: Option<&str>,
    region: &Region,
    settings: &ConnectionSettings,
) -> SdkConfig {
    let connector = transport::connector(settings, Proxies::FromEnvironment, true);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(aws_types::region::Region::new(region.as_str().to_owned()))
        .http_client(transport::http_client(connector))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint.as_str().trim_end_matches('/'));
    }
    loader.load().await
}

/// Keeps what cannot be a host label out of host names.
fn plausible(region: &str) -> bool {
    (5..=32).contains(&region.len())
        && region.contains('-')
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
