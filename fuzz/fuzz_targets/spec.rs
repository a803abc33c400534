//! Any text is a spec, or is refused with reasons that can be shown.
#![no_main]

use baseplate::spec;
use baseplate::graph::{Graph, dot, mermaid};
use baseplate::ui::{Paint, spec_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match spec::parse("fuzz.toml", text, &baseplate::kinds::catalog()) {
        Ok(spec) => {
            spec_text(&spec.tree, Paint::new(true));
            if let Ok(graph) = Graph::of(&spec.env) {
                dot(&graph);
                mermaid(&graph);
            }
        }
        Err(problems) => {
            assert!(!problems.list.is_empty());
            problems.render(true);
            problems.json();
        }
    }
});
