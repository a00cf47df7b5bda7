//! The policies that can apply to one principal and one method, and what they say.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::{
    Authorizer, Context, Effect, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::answer::{Answer, Approver, Decision};
use crate::method::Method;
use crate::names::Names;
use crate::question::{Kind, Origin, Untrusted};
use crate::resource::Resource;
use crate::rule::{Known, Looks, Role};

/// What is denied because this crate could not even ask.
const CANNOT_BE_DECIDED: &str = "cannot be decided";

/// One principal, one method, and the policies whose scope has both.
#[derive(Debug)]
pub(crate) struct Cell {
    principal: EntityUid,
    action: EntityUid,
    entities: [Entity; 2],
    /// Forbids and permits are asked apart, since Cedar tells of permits only where nothing forbids.
    forbids: PolicySet,
    permits: PolicySet,
    /// What denies a call that nothing permits.
    nothing: Arc<str>,
    /// What one of the policies looks at.
    pub(crate) looks: Looks,
    /// The answers to calls that differ in nothing else.
    answers: RwLock<HashMap<(Untrusted, Option<Origin>), Decision>>,
}

/// The rules that match, each by its place among all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// In their order.
    pub(crate) forbids: Vec<usize>,
    pub(crate) permits: Vec<usize>,
    /// Forbids of which Cedar could not tell whether they match.
    pub(crate) failed: Vec<usize>,
}

/// All rules, and where each name stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Known>,
    places: HashMap<Arc<str>, usize>,
}

impl Rules {
    /// The rules, or the name that two of them have.
    pub(crate) fn new(all: Vec<Known>) -> Result<Self, Arc<str>> {
        let mut places = HashMap::with_capacity(all.len());
        for (at, known) in all.iter().enumerate() {
            let name = &known.rule.name;
            if places.insert(Arc::clone(name), at).is_some() {
                return Err(Arc::clone(name));
            }
        }
        Ok(Self { all, places })
    }

    /// The rule at a place that [`Matched`] has.
    pub(crate) fn at(&self, place: usize) -> Option<&Known> {
        self.all.get(place)
    }

    /// The rule of a name.
    pub(crate) fn named(&self, name: &str) -> Option<&Known> {
        self.places.get(name).and_then(|place| self.at(*place))
    }

    fn place(&self, id: impl AsRef<str>) -> Option<usize> {
        self.places.get(id.as_ref()).copied()
    }
}

impl Cell {
    /// The cell of this principal and method, with those of the rules that concern both.
    pub(crate) fn new<'a>(
        names: &Names,
        (name, kind): (&str, Kind),
        method: &Method,
        rules: impl IntoIterator<Item = &'a Known>,
        nothing: Arc<str>,
    ) -> Option<Self> {
        let (principal, kind_of) = (names.client(name), names.kind(kind));
        let principals = [principal.clone(), kind_of.clone()];
        let (mut forbids, mut permits) = (PolicySet::new(), PolicySet::new());
        let mut looks = Looks::default();
        for known in rules {
            if known.concerns(&principals, &method.within) {
                looks = looks.or(known.looks);
                let set = match known.policy.effect() {
                    Effect::Forbid => &mut forbids,
                    Effect::Permit => &mut permits,
                };
                set.add(known.policy.clone()).ok()?;
            }
        }
        let kind_text = RestrictedExpression::new_string(kind.as_str().to_owned());
        let attributes = HashMap::from([("kind".to_owned(), kind_text)]);
        let entity = Entity::new(principal.clone(), attributes, [kind_of].into()).ok()?;
        Some(Self {
            principal,
            action: method.action.clone(),
            entities: [entity, method.entity.clone()],
            forbids,
            permits,
            nothing,
            looks,
            answers: RwLock::default(),
        })
    }

    /// The rules that match for this resource.
    pub(crate) fn matched(
        &self,
        rules: &Rules,
        resource: &Resource,
        context: &Context,
    ) -> Option<Matched> {
        let entities = self.entities.iter().cloned().chain([resource.entity()]);
        let entities = Entities::from_entities(entities, None).ok()?;
        let (principal, action) = (self.principal.clone(), self.action.clone());
        let request =
            Request::new(principal, action, resource.uid.clone(), context.clone(), None).ok()?;
        let authorizer = Authorizer::new();
        let forbids = authorizer.is_authorized(&request, &self.forbids, &entities);
        let permits = authorizer.is_authorized(&request, &self.permits, &entities);
        let places = |ids: Vec<&cedar_policy::PolicyId>| {
            let places: Option<Vec<usize>> = ids.into_iter().map(|id| rules.place(id)).collect();
            places.map(|mut places| {
                places.sort_unstable();
                places
            })
        };
        let failed = forbids.diagnostics().errors().map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            error.policy_id()
        });
        Some(Matched {
            forbids: places(forbids.diagnostics().reason().collect())?,
            permits: places(permits.diagnostics().reason().collect())?,
            failed: places(failed.collect())?,
        })
    }

    /// What follows from the rules that match.
    pub(crate) fn judge(&self, rules: &Rules, matched: Option<&Matched>) -> Decision {
        let Some(matched) = matched else { return Decision::deny(CANNOT_BE_DECIDED) };
        let all = |places: &[usize]| -> Vec<&Known> {
            places.iter().filter_map(|place| rules.at(*place)).collect()
        };
        let forbids = all(&matched.forbids);
        let permits = all(&matched.permits);
        let name = |known: &&Known| Arc::clone(&known.rule.name);
        if let Some(rule) = forbids.iter().find(|known| known.role == Role::Forbid) {
            return Decision::deny(name(rule));
        }
        if let Some(rule) = all(&matched.failed).first() {
            return Decision::deny(name(rule));
        }
        let Some(permit) = permits.iter().find(|known| known.role.permits()) else {
            return Decision::deny(Arc::clone(&self.nothing));
        };
        let lifts = |role: Role, lift: &&&Known| match (role, lift.role) {
            (Role::Everyday, Role::Lift { .. })
            | (Role::Untrusted, Role::Lift { untrusted: true, .. }) => true,
            _ => false,
        };
        let mut decision = Decision::new(Answer::Allow, name(permit));
        let mut asked = Answer::Allow;
        for forbid in &forbids {
            let lifted = permits.iter().find(|lift| lifts(forbid.role, lift));
            let answer = Answer::Ask(forbid.role.approver());
            match lifted {
                Some(lift) if asked == Answer::Allow => {
                    decision = Decision::new(Answer::Allow, name(lift));
                }
                None if answer > asked => {
                    asked = answer;
                    decision = Decision::new(answer, name(forbid));
                }
                Some(_) | None => {}
            }
        }
        decision
    }

    /// The answer to a call of which no policy looks at more than the key tells.
    pub(crate) fn answer(
        &self,
        untrusted: Untrusted,
        origin: Origin,
        decide: impl FnOnce() -> Decision,
    ) -> Decision {
        let untrusted = if self.looks.untrusted { untrusted } else { Untrusted::default() };
        let key = (untrusted, self.looks.origin.then_some(origin));
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(&key) {
            return known.clone();
        }
        drop(answers);
        let decision = decide();
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        answers.entry(key).or_insert(decision).clone()
    }

    /// Whether a rule that looks at nothing forbids.
    pub(crate) fn always_forbids(&self, rules: &Rules, resource: &Resource) -> bool {
        let matched = self.matched(rules, resource, &Context::empty());
        let forbids = matched.map(|matched| matched.forbids).unwrap_or_default();
        forbids.into_iter().filter_map(|place| rules.at(place)).any(|known| {
            known.role == Role::Forbid && known.looks == Looks::default()
        })
    }

    /// Whether there is a permit that might match.
    pub(crate) fn has_permit(&self, rules: &Rules) -> bool {
        let mut permits = self.permits.policies().filter_map(|policy| rules.named(policy.id().as_ref()));
        permits.any(|known| known.role.permits())
    }
}

impl Role {
    /// Whom it asks; a person, if in doubt.
    fn approver(self) -> Approver {
        match self {
            Self::Ask(approver) => approver,
            _ => Approver::Person,
        }
    }
}
