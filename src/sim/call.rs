//! One request from its head to its reply: who, where, what, what goes wrong with it.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, DATE, EXPECT, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep_until};

use super::errors::ServiceError;
use super::faults::{self, Failing, Trouble};
use super::latency;
use super::payload::Payload;
use super::reply::{Answer, Refusal, ReplyBody, Severed};
use super::route::{self, Caller, Operation, Service};
use super::scenario::RegionSpec;
use super::world::{Arrival, World};
use super::{clock, cloudwatch, control, increases, jobs, metrics, provisioned, quotas, runtime, s3, sts, tags};

/// By this header a client can tell a simulator from the service.
pub(super) const SIM_HEADER: &str = "x-bedrock-top-sim";
/// Where a simulator identifies itself.
const IDENTIFY: &str = "/__bedrock-top";

/// A request as the operations see it.
pub(super) struct Call {
    pub world: Arc<World>,
    pub operation: Operation,
    pub region: RegionSpec,
    /// The resource of the path: model or profile.
    pub resource: String,
    pub uri: Uri,
    /// The service tier that a header asks for.
    pub tier_header: Option<String>,
    pub payload: Payload,
    pub trouble: Trouble,
    pub rng: ChaCha8Rng,
    pub arrived: Instant,
    pub request_id: String,
}

impl Call {
    /// What fails this call, if anything.
    pub(super) fn failing(&self) -> Option<Failing> {
        self.trouble.failure
    }

    /// The model or profile of the path as the service's metrics name it, if there is such.
    fn metered_model(&self) -> Option<String> {
        let route = self.world.catalogue.route(&self.region.name, &self.resource).ok()?;
        Some(route.bucket.as_str().to_owned())
    }

    /// Waits as long as the service takes to refuse, then refuses.
    pub(super) async fn refuse<T>(&mut self, error: ServiceError) -> Result<T, Refusal> {
        let pause = latency::refusal(&mut self.rng);
        sleep_until(self.arrived + pause).await;
        Err(error.into())
    }

    /// The failures that come before the service looks at the request.
    pub(super) fn at_the_door(&self) -> Result<(), Refusal> {
        let service = self.operation.service();
        let account = &self.world.scenario.account;
        Err(match self.failing() {
            Some(Failing::Outage) => ServiceError::unavailable(&service).into(),
            Some(Failing::Reset) => Refusal::Severed(Severed::Reset),
            Some(Failing::Expired) => ServiceError::expired(&service).into(),
            Some(Failing::Denied) => ServiceError::denied(&service, account, &self.operation.iam_action()).into(),
            _ => return Ok(()),
        })
    }

    /// The failures of a service that has taken the request in, where it only looks something up or keeps it.
    pub(super) fn at_the_desk(&self) -> Result<(), Refusal> {
        let service = self.operation.service();
        Err(match self.failing() {
            Some(Failing::Throttle) => ServiceError::throttled(&service).into(),
            // These find out later that there is no capacity.
            Some(Failing::Capacity) if self.operation.orders_capacity() => return Ok(()),
            Some(Failing::Capacity | Failing::NotReady) => ServiceError::unavailable(&service).into(),
            Some(Failing::Internal | Failing::StreamError) => ServiceError::internal(&service).into(),
            _ => return Ok(()),
        })
    }
}

/// Answers one request, or says how the connection ends instead.
pub(super) async fn answer(world: Arc<World>, request: Request<Incoming>) -> Result<Response<ReplyBody>, Severed> {
    let Arrival { at, rng, request_id } = world.arrive();
    world.look(request.headers(), request.uri().path_and_query().map_or("", |target| target.as_str()));
    let mut service = Service::Control;
    let waits = request.headers().contains_key(EXPECT);
    let mut response = if request.uri().path() == IDENTIFY && request.method() == Method::GET {
        identification(&world)
    } else {
        let arrival = Arrival { at, rng, request_id: request_id.clone() };
        match attend(&world, request, arrival, &mut service).await {
            Ok(answer) => answer.into_response(),
            Err(Refusal::Error(error)) => {
                let mut response = refusal(&world, &error, &service, &request_id);
                if waits {
                    // A body that was never asked for leaves the connection unusable, and the client must know that.
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
            Err(Refusal::Severed(severed)) => return Err(severed),
        }
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        if service == Service::S3 {
            headers.insert("x-amz-id-2", id.clone());
            headers.insert("x-amz-request-id", id);
        } else {
            headers.insert("x-amzn-requestid", id);
        }
    }
    if service.in_service_time()
        && let Ok(date) = HeaderValue::from_str(&clock::http_date(world.service_time()))
    {
        headers.insert(DATE, date);
    }
    headers.insert(SIM_HEADER, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    Ok(response)
}

async fn attend(
    world: &Arc<World>,
    request: Request<Incoming>,
    arrival: Arrival,
    service: &mut Service,
) -> Result<Answer, Refusal> {
    let (head, body) = request.into_parts();
    let caller = Caller::of(&head.headers)?;
    *service = route::service(&caller, &head.headers, &head.uri);
    let target = route::operation(service, &head.method, &head.uri, &head.headers)?;
    let region = region(world, service, &caller)?;
    // Objects of S3 are too large to hold: they are read as they come.
    let (payload, unread) = match service {
        Service::S3 => (Payload::none(world)?, Some(body)),
        _ => (Payload::read(world, &head.headers, body).await?, None),
    };
    if *service == Service::Sts {
        route::sts_operation(&payload.bytes)?;
    }
    let Arrival { at, mut rng, request_id } = arrival;
    let model = (!target.resource.is_empty()).then_some(target.resource.as_str());
    let trouble = faults::strike(
        &world.scenario.faults,
        world.time(at),
        &region.name,
        service,
        target.operation,
        model,
        &mut rng,
    );
    world.account().count(target.operation, &caller.access_key);
    let call = Call {
        world: Arc::clone(world),
        operation: target.operation,
        region: region.clone(),
        resource: target.resource,
        uri: head.uri,
        tier_header: head.headers.get(runtime::TIER_HEADER).map(|tier| String::from_utf8_lossy(tier.as_bytes()).into()),
        payload,
        trouble,
        rng,
        arrived: at,
        request_id,
    };
    if let Some(body) = unread {
        return s3::serve(call, &head.headers, body).await;
    }
    world.grant_increases();
    match target.operation {
        Operation::Converse
        | Operation::ConverseStream
        | Operation::InvokeModel
        | Operation::InvokeModelWithResponseStream => {
            let model = call.metered_model();
            let tier = runtime::asked_tier(&call).ok().flatten();
            let answered = match call.at_the_door() {
                Ok(()) => runtime::infer(call).await,
                Err(refusal) => Err(refusal),
            };
            if let (Err(Refusal::Error(error)), Some(model)) = (&answered, model) {
                metrics::refusal(world, &region.name, &model, tier, error);
            }
            answered
        }
        _ => {
            call.at_the_door()?;
            plain(call).await
        }
    }
}

/// The operations of the control plane and its neighbours: nothing is generated.
async fn plain(mut call: Call) -> Result<Answer, Refusal> {
    let pause = latency::control_call(call.trouble.slow, &mut call.rng);
    sleep_until(call.arrived + pause).await;
    call.at_the_desk()?;
    if call.operation.is_about_jobs() {
        call.world.jobs.caught_up().await;
    }
    let answer = match call.operation {
        Operation::CountTokens => runtime::count_tokens(&call)?,
        Operation::ListFoundationModels => control::list_foundation_models(&call)?,
        Operation::GetFoundationModel => control::get_foundation_model(&call)?,
        Operation::ListInferenceProfiles => control::list_inference_profiles(&call)?,
        Operation::GetInferenceProfile => control::get_inference_profile(&call)?,
        Operation::CreateProvisionedModelThroughput => provisioned::create(&mut call)?,
        Operation::GetProvisionedModelThroughput => provisioned::get(&call)?,
        Operation::ListProvisionedModelThroughputs => provisioned::list(&call)?,
        Operation::UpdateProvisionedModelThroughput => provisioned::update(&call)?,
        Operation::DeleteProvisionedModelThroughput => provisioned::delete(&call)?,
        Operation::CreateModelInvocationJob => jobs::create(&mut call)?,
        Operation::GetModelInvocationJob => jobs::get(&call)?,
        Operation::ListModelInvocationJobs => jobs::list(&call)?,
        Operation::StopModelInvocationJob => jobs::stop(&call)?,
        Operation::ListTagsForResource => tags::list_tags_for_resource(&call)?,
        Operation::ListServiceQuotas => quotas::list_applied(&call)?,
        Operation::GetServiceQuota => quotas::get_applied(&call)?,
        Operation::ListAWSDefaultServiceQuotas => quotas::list_defaults(&call)?,
        Operation::GetAWSDefaultServiceQuota => quotas::get_default(&call)?,
        Operation::RequestServiceQuotaIncrease => increases::request(&call)?,
        Operation::ListRequestedServiceQuotaChangeHistory => increases::list_all(&call)?,
        Operation::ListRequestedServiceQuotaChangeHistoryByQuota => increases::list_by_quota(&call)?,
        Operation::GetRequestedServiceQuotaChange => increases::get(&call)?,
        Operation::GetFoundationModelAvailability => control::get_foundation_model_availability(&call)?,
        Operation::GetCallerIdentity => sts::get_caller_identity(&call),
        Operation::PutMetricData
        | Operation::GetMetricData
        | Operation::GetMetricStatistics
        | Operation::ListMetrics => cloudwatch::serve(&call)?,
        other => return Err(ServiceError::unknown_operation(other).into()),
    };
    answer.through(call.failing(), ())
}

/// The Region of the credential scope. A bearer token names none, and STS is the same everywhere: there the
/// scenario's first Region answers.
fn region<'w>(world: &'w World, service: &Service, caller: &Caller) -> Result<&'w RegionSpec, ServiceError> {
    let regions = &world.scenario.regions;
    let named = caller.region.as_deref();
    let first = || regions.first().filter(|_| named.is_none() || *service == Service::Sts);
    named.and_then(|name| world.region(name)).or_else(first).ok_or_else(|| {
        let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
        let name = named.unwrap_or_default();
        ServiceError::validation(format!("The scenario has no Region '{name}'; its Regions are {}.", names.join(", ")))
    })
}

fn refusal(world: &World, error: &ServiceError, service: &Service, request_id: &str) -> Response<ReplyBody> {
    world.account().count_error(error.code);
    let (content_type, body) = error.body(service, request_id);
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = error.status_for(service);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(value) = error.type_header(service).and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert("x-amzn-errortype", value);
    }
    for (name, value) in error.more_headers(service) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

fn identification(world: &World) -> Response<ReplyBody> {
    let regions: Vec<&str> = world.scenario.regions.iter().map(|region| region.name.as_str()).collect();
    let quotas = world.scenario.quotas.iter();
    let metered: Vec<_> =
        quotas.map(|quota| serde_json::json!({ "region": quota.region, "model": quota.model })).collect();
    Answer::json(&serde_json::json!({
        "bedrock-top-sim": env!("CARGO_PKG_VERSION"),
        "account": world.scenario.account,
        "regions": regions,
        "metered": metered,
        "seed": world.scenario.seed,
    }))
    .into_response()
}
