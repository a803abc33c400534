//! Who last changed objects of the account, from the event history of CloudTrail: management events of the last 90 days,
//! which every account has (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html>).

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudtrail::Client as CloudTrail;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey, Resource};
use futures_util::future::join;

use super::super::history::event::{Event, is_changed, last_change};
use super::super::{History, LastChange, Subject};
use crate::aws::{Aws, CloudError, ErrorClass, NOT_SENT, SdkResult, service};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::spec::global_region;

service!(aws_sdk_cloudtrail);

/// How many objects are looked up.
const MOST: usize = 20;
/// From one call to the next: AWS takes two a second in each region of an account
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>).
const PACE: Duration = Duration::from_millis(500);
/// The most events that a call answers with.
const PAGE: i32 = 50;
/// How many pages are read of an object that is only read in the newest of them.
const PAGES: usize = 3;

/// Looks up the first of the subjects, each by one name after the other until a change of it is found. Never fails: what
/// cannot be known is told.
pub async fn last_changes(aws: &Aws, subjects: &[Subject]) -> History {
    let (asked, rest) = subjects.split_at(subjects.len().min(MOST));
    let home = global_region(&aws.region);
    let is_elsewhere = |subject: &&Subject| subject.is_global && home != aws.region;
    let (global, own): (Vec<_>, Vec<_>) = asked.iter().partition(is_elsewhere);
    let elsewhere = async {
        match global.is_empty() {
            true => Region::default(),
            false => Region::of(&aws.in_region(home), &global).await,
        }
    };
    let (own, global) = join(Region::of(aws, &own), elsewhere).await;
    let mut notes: Vec<String> = [&own, &global].into_iter().filter_map(Region::why).collect();
    notes.dedup();
    notes.extend(left_out(rest));
    History { found: own.found.into_iter().chain(global.found).collect(), notes }
}

/// That these were not looked up.
fn left_out(rest: &[Subject]) -> Option<String> {
    let objects = match rest {
        [] => return None,
        [one] => one.key.clone(),
        _ => format!("{} more objects", rest.len()),
    };
    Some(format!(
        "who changed {objects} was not looked up: CloudTrail answers two calls a second, and no more than {MOST} objects are \
         asked about"
    ))
}

/// What one region tells.
#[derive(Default)]
struct Region {
    found: BTreeMap<String, LastChange>,
    /// After it nothing more was asked.
    error: Option<CloudError>,
}

impl Region {
    async fn of(aws: &Aws, subjects: &[&Subject]) -> Self {
        let (mut region, mut pace) = (Self::default(), Pace::default());
        for subject in subjects {
            match events(aws, subject, &mut pace).await {
                Ok(events) => {
                    let last = last_change(subject, &events, aws.app_name());
                    region.found.extend(last.map(|last| (subject.key.clone(), last)));
                }
                Err(error) => {
                    region.error = Some(error);
                    break;
                }
            }
        }
        region
    }

    fn why(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        Some(match error.is(ErrorClass::Denied) {
            true => {
                "who changed it is not known: these credentials may not call cloudtrail:LookupEvents".to_owned()
            }
            false => format!("who changed it is not known: {error}"),
        })
    }
}

/// The newest events of an object, by the first of its names under which something has changed it.
async fn events(aws: &Aws, subject: &Subject, pace: &mut Pace) -> Result<Vec<Event>, CloudError> {
    for name in &subject.names {
        let by_name = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::ResourceName)
            .attribute_value(name)
            .build()
            .map_err(|error| CloudError::new("cloudtrail:LookupEvents", NOT_SENT, error.to_string()))?;
        let (mut events, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            pace.wait().await;
            // It is no part of what was asked for: where nothing answers, that is said soon.
            let call = aws.soon::<CloudTrail>().lookup_events().lookup_attributes(by_name.clone());
            let call = call.max_results(PAGE).set_next_token(next).send();
            let answer = call.await.operation("cloudtrail:LookupEvents")?;
            events.extend(answer.events.unwrap_or_default().into_iter().filter_map(event));
            next = answer.next_token;
            if next.is_none() || is_changed(subject, &events) {
                break;
            }
        }
        if is_changed(subject, &events) {
            return Ok(events);
        }
    }
    Ok(Vec::new())
}

fn event(event: aws_sdk_cloudtrail::types::Event) -> Option<Event> {
    let resources = event.resources().iter().filter_map(Resource::resource_name).map(str::to_owned).collect();
    Some(Event { record: event.cloud_trail_event?, resources })
}

/// Keeps calls apart.
#[derive(Default)]
struct Pace {
    last: Option<Timestamp>,
}

impl Pace {
    async fn wait(&mut self) {
        if let Some(last) = self.last {
            SystemClock.sleep(PACE.saturating_sub(last.elapsed(&SystemClock))).await;
        }
        self.last = Some(Timestamp::now(&SystemClock));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_looked_up_is_told() {
        let subject = |number: usize| Subject {
            key: format!("security_group_rules.group-{number}"),
            names: vec![format!("sg-{number}")],
            text: None,
            is_global: false,
            is_by_hand: false,
        };
        let subjects: Vec<Subject> = (0..3).map(subject).collect();
        assert_eq!(left_out(&[]), None);
        let note = left_out(&subjects[..1]).expect("a note");
        assert!(note.starts_with("who changed security_group_rules.group-0 was not looked up: "), "{note}");
        let note = left_out(&subjects).expect("a note");
        assert!(note.starts_with("who changed 3 more objects was not looked up: "), "{note}");
    }

    #[tokio::test]
    async fn calls_are_half_a_second_apart() {
        let mut pace = Pace::default();
        let began = Timestamp::now(&SystemClock);
        pace.wait().await;
        let first = began.elapsed(&SystemClock);
        assert!(first < PACE, "the first waits for nobody: {first:?}");
        pace.wait().await;
        let second = began.elapsed(&SystemClock);
        assert!(second >= PACE, "{second:?}");
    }
}
