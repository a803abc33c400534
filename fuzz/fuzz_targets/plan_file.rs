//! Any bytes are a saved plan that can be shown and saved again, or are refused.
#![no_main]

use baseplate::commands::SavedPlan;
use baseplate::render::Beside;
use baseplate::ui::{Detail, Paint, plan_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(saved) = SavedPlan::parse(bytes) {
        plan_text(&saved.plan, &Beside::default(), "nowhere", Detail::Full, Paint::new(true));
        let again = serde_json::to_vec(&saved).expect("a plan is plain data");
        assert_eq!(SavedPlan::parse(&again).expect("the same plan").plan, saved.plan);
    }
});
