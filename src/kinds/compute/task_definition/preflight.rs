//! Whether the images are there that tasks are started from.

use super::{Attrs, IMAGE};
use crate::aws::Reader;
use crate::kinds::preflight::{Answer, Coming, Verdict};
use crate::kinds::registry::images::{ImageState, NeededImage, Place, look_up, needed};

/// Images in ECR are looked up as for an apply; of others nothing is known.
pub(super) async fn preflight(read: &Reader<'_>, coming: &[Coming<'_, Attrs>]) -> Vec<Answer> {
    let env = read.scope.env;
    // Any other revision starts tasks.
    let starts = |coming: &&Coming<'_, Attrs>| coming.is_made || coming.changed.iter().any(|field| field != "tags");
    let asked: Vec<_> = coming.iter().filter(starts).collect();
    let images: Vec<NeededImage> = asked
        .iter()
        .map(|coming| needed(env, coming.address.name(), &coming.attrs.image, &coming.attrs.architecture))
        .collect();
    let states = look_up(read.aws, &images, false).await;
    let answers = asked.iter().zip(&images).zip(&states).map(|((coming, needed), state)| {
        let image = match &needed.place {
            Place::Ecr(image) => image.reference(env),
            Place::Other { image, .. } => image.clone(),
        };
        coming.answer_at(&IMAGE, "image", "", found(&image, needed, state))
    });
    answers.collect()
}

fn found(image: &str, needed: &NeededImage, state: &ImageState) -> Verdict {
    let platform = needed.platform;
    match (state, &needed.place) {
        (ImageState::Present(details), _) => {
            let digest = details.digest.as_deref().unwrap_or("a digest that ECR does not tell");
            match &details.platforms {
                Some(platforms) => Verdict::ok(format!("{image} is {digest}, for {}", platforms.join(", "))),
                None => Verdict::unknown(format!(
                    "{image} is {digest}; its manifest is of one platform and does not say which: the task runs on \
                         {platform}"
                )),
            }
        }
        (ImageState::Missing(why), Place::Ecr(place)) => Verdict::bad(
            format!("{image}: {}", why.why(place, platform)),
            "an apply stops before this service, unless it is told otherwise (--missing-images)",
            "push the image, once the apply has made its repository; `baseplate images` lists the commands",
        ),
        (ImageState::Missing(_), Place::Other { why, .. }) => Verdict::unknown(format!("{image}: {why}")),
        (ImageState::Unknown(unknown), _) => match unknown.error() {
            Some(error) => Verdict::failed(error),
            None => Verdict::unknown(format!("{image}: {}", unknown.why())),
        },
    }
}
