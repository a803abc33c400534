use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which requests a service gets from a load balancer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Route {
    /// The key of the load balancer, where there are several: `main`, or the only one, unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<String>,
    /// Path patterns, as in `/api*`.
    pub paths: Vec<String>,
    /// Host names; texts may hold `{dns.domain}`.
    #[schemars(extend("x-placeholders" = "outputs"))]
    pub hosts: Vec<String>,
    /// Networks that requests must come from, as in `203.0.113.0/24`: by the address that the load balancer sees, which
    /// behind a proxy or a CDN is theirs. What comes from elsewhere goes on to the next rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
    /// The rule's place, 1 to 50000: lower goes first. Not for the default route.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50000))]
    pub priority: Option<i32>,
    /// Gets whatever no rule takes. One service of a load balancer at most.
    pub default: bool,
    /// Seconds that a deregistering task keeps its connections, to finish requests. The same in all routes of a service
    /// by one load balancer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 3600))]
    pub deregistration_delay: Option<i32>,
}

impl Route {
    /// Whether it asks anything of a request.
    pub fn has_conditions(&self) -> bool {
        !(self.paths.is_empty() && self.hosts.is_empty() && self.source_ips.is_empty())
    }
}

/// One route, or a list of them.
#[derive(Clone, Debug)]
pub enum Routes {
    One(Box<Route>),
    List(Vec<Route>),
}

impl Routes {
    /// Each route with its path in the spec below the service's `route`: its index where they are a list.
    pub fn iter(&self) -> impl Iterator<Item = (Option<usize>, &Route)> {
        let is_list = matches!(self, Self::List(_));
        let routes = match self {
            Self::One(route) => std::slice::from_ref(&**route),
            Self::List(routes) => routes,
        };
        routes.iter().enumerate().map(move |(index, route)| (is_list.then_some(index), route))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Route> {
        match self {
            Self::One(route) => std::slice::from_mut(&mut **route).iter_mut(),
            Self::List(routes) => routes.iter_mut(),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::List(routes) if routes.is_empty())
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Serialize for Routes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(route) => route.serialize(serializer),
            Self::List(routes) => routes.serialize(serializer),
        }
    }
}

/// Written out, because serde's `untagged` would not say which key is unknown.
impl<'de> Deserialize<'de> for Routes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Routes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a route, or a list of routes")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Routes, A::Error> {
                Route::deserialize(MapAccessDeserializer::new(map)).map(|route| Routes::One(Box::new(route)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Routes, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Routes::List)
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Routes {
    fn schema_name() -> Cow<'static, str> {
        "Routes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let route = generator.subschema_for::<Route>();
        json_schema!({
            "description": "One route, or a list of them.",
            "anyOf": [route, { "type": "array", "items": route }],
        })
    }
}
