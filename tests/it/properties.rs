//! What holds for every input: nothing that anybody writes into a spec, a plan or a cloud file ends in a panic.

use baseplate::cloud::Capture;
use baseplate::commands::SavedPlan;
use baseplate::plan::Plan;
use baseplate::spec::names::{alternate, fit, is_name_or_alternate};
use baseplate::spec::{self, Spec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::cli::repository;
use crate::file_cloud::FileCloud;

fn small() -> String {
    std::fs::read_to_string(repository("fixtures/small.toml")).expect("a shipped spec")
}

/// A spec's text, and as it would be shown were it wrong.
fn look_at(text: &str) -> Result<Spec, String> {
    spec::parse("spec.toml", text, &baseplate::kinds::catalog()).map_err(|problems| {
        assert!(!problems.list.is_empty(), "who refuses says why");
        assert!(problems.json().is_array());
        problems.render(false)
    })
}

/// Pieces of which most texts are nearly TOML.
fn toml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("=".to_owned()),
        Just("\n".to_owned()),
        Just("\"".to_owned()),
        Just("'''".to_owned()),
        Just(".".to_owned()),
        Just(",".to_owned()),
        Just("{parameters.".to_owned()),
        Just("{databases.main.password}".to_owned()),
        Just("\u{1b}[2J".to_owned()),
        Just("network".to_owned()),
        Just("cidr = \"10.0.0.0/8\"\n".to_owned()),
        Just("[services.web]\n".to_owned()),
        "[a-z]{1,8}( = [0-9]{1,20}\n)?",
        "[0-9:T.+-]{1,12}",
        "\\PC{0,4}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_spec_or_is_refused_with_reasons(text in "(?s).{0,300}") {
        let _ = look_at(&text);
    }

    #[test]
    fn any_text_like_toml_is_a_spec_or_is_refused_with_reasons(text in toml_like()) {
        let _ = look_at(&text);
    }

    /// A good spec of which a part is lost, doubled or replaced.
    #[test]
    fn a_damaged_spec_is_refused_with_reasons(from in any::<prop::sample::Index>(), length in 0..60_usize, instead in "\\PC{0,12}") {
        let text: Vec<char> = small().chars().collect();
        let from = from.index(text.len());
        let rest = &text[(from + length).min(text.len())..];
        let damaged: String = text[..from].iter().copied().chain(instead.chars()).chain(rest.iter().copied()).collect();
        if let Ok(spec) = look_at(&damaged) {
            prop_assert_eq!(spec.digest.len(), 64);
        }
    }

    #[test]
    fn ranges_overlap_or_lie_outside_or_are_good(vpc in 16..=28_u8, subnet in 16..=28_u8, block in 0..65_536_u32) {
        let network = ipnet::Ipv4Net::new(std::net::Ipv4Addr::new(10, 40, 0, 0), vpc).expect("a range").trunc();
        let address = u32::from(std::net::Ipv4Addr::new(10, 40, 0, 0)) + block;
        let range = ipnet::Ipv4Net::new(address.into(), subnet).expect("a range");
        let text = small()
            .replace("10.40.0.0/20", &range.to_string())
            .replace("10.40.16.0/20", "10.41.0.0/28")
            // Last: the network may be the very range that stood for a subnet.
            .replace("10.40.0.0/16", &network.to_string());
        let message = look_at(&text).expect_err("one of the two subnets lies elsewhere");
        prop_assert!(message.contains("10.41.0.0/28 is outside"), "{}", message);
        let wrong = range.trunc() != range || !network.contains(&range);
        prop_assert_eq!(message.contains(&format!("{range} ")), wrong, "{}", message);
    }

    #[test]
    fn names_fit_and_stay_apart(a in "[a-z][a-z0-9-]{0,80}", b in "[a-z][a-z0-9-]{0,80}", max in 16..64_usize, salt in "\\PC{0,8}") {
        let (short, other) = (fit(&a, max), alternate(&a, &salt, max));
        prop_assert!(short.chars().count() <= max && other.chars().count() <= max);
        prop_assert_eq!(fit(&short, max), short.clone());
        prop_assert!(is_name_or_alternate(&other, &a, max));
        prop_assert_eq!(short == fit(&b, max), a == b, "{} and {}", a, b);
    }

    #[test]
    fn any_bytes_are_a_plan_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SavedPlan::parse(&bytes);
        let _ = Capture::parse(&bytes);
    }
}

/// A real plan and a real cloud file, damaged at every sort of place.
#[test]
fn damaged_files_are_refused_or_mean_what_they_say() {
    let cloud = FileCloud::with_fixture("small.toml");
    cloud.done("apply --yes spec.toml");
    cloud.bench.edit("spec.toml", ".url}:1", ".url}:2");
    cloud.done("plan spec.toml --out saved.plan");
    let (plan, capture) = (cloud.bench.read("saved.plan"), cloud.bench.read("cloud.json"));

    let whole = SavedPlan::parse(plan.as_bytes()).expect("as it was saved");
    let again = serde_json::to_vec(&whole).expect("JSON");
    assert_eq!(SavedPlan::parse(&again).expect("the same plan").plan, whole.plan, "a plan survives its JSON");
    let alone: Plan = serde_json::from_value(serde_json::to_value(&whole.plan).expect("JSON")).expect("a plan");
    assert_eq!(alone, whole.plan);

    let change = (any::<prop::sample::Index>(), 0..40_usize, "[\\[\\]{}\":,0-9a-z$\\x00]{0,6}");
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for text in [&plan, &capture] {
        for _ in 0..200 {
            let (at, length, instead) = change.new_tree(&mut runner).expect("a change").current();
            let mut bytes = text.clone().into_bytes();
            let from = at.index(bytes.len());
            let to = (from + length).min(bytes.len());
            bytes.splice(from..to, instead.bytes());
            let _ = SavedPlan::parse(&bytes);
            let _ = Capture::parse(&bytes);
        }
    }
}
