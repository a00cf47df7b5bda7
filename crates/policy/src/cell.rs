//! The policies that can apply to one principal and one method, and what they say.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use capfile::TextSources;
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Effect, Entities, Entity, EntityUid, Policy,
    PolicySet, Request, RestrictedExpression,
};

use crate::answer::{Answer, Approver, Decision};
use crate::context;
use crate::method::Method;
use crate::names::Names;
use crate::question::{Kind, Origin};
use crate::resource::Resource;
use crate::rule::{Known, Looks, Role};
use crate::scope::{self, Scope};

/// What is denied because this crate could not even ask.
const CANNOT_BE_DECIDED: &str = "cannot be decided";

/// One principal, one method, and the policies whose scope has both.
#[derive(Debug)]
pub(crate) struct Cell {
    principal: EntityUid,
    action: EntityUid,
    /// The principal and the action; what a call works on is added.
    entities: Entities,
    /// Each rule with no conditions, by its place.
    plain: Vec<usize>,
    /// Conditions that are the same for every call of the conversation.
    still: Conditions,
    /// Conditions that look at the call, by what their scope says of the resource.
    moving: Vec<(Scope, Conditions)>,
    /// What denies a call that nothing permits.
    nothing: Arc<str>,
    /// What one of the policies looks at.
    pub(crate) looks: Looks,
    /// Whether the scope of one says something of the resource.
    scoped: bool,
    /// Which of the rules that do not move match.
    matched: RwLock<HashMap<Still, Arc<Matched>>>,
    /// The answers to calls that differ in nothing else.
    answers: RwLock<HashMap<Still, Decision>>,
}

/// Policies without their scopes. Forbids and permits are asked apart, since Cedar tells of permits only where nothing forbids.
#[derive(Debug, Default)]
struct Conditions {
    forbids: PolicySet,
    permits: PolicySet,
}

/// What is the same for every call of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Still {
    pub(crate) untrusted: TextSources,
    pub(crate) origin: Origin,
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

    /// Those of the rules whose scope has the resource.
    fn with(&self, places: &[usize], resource: &Resource) -> Vec<usize> {
        let has = |place: &usize| self.at(*place).is_some_and(|known| known.scope.has(resource));
        places.iter().copied().filter(has).collect()
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
        all: &Rules,
        nothing: Arc<str>,
    ) -> Option<Self> {
        let (principal, kind_of) = (names.client(name), names.kind(kind));
        let principals = [principal.clone(), kind_of.clone()];
        let kind_text = RestrictedExpression::new_string(kind.as_str().to_owned());
        let attributes = HashMap::from([("kind".to_owned(), kind_text)]);
        let entity = Entity::new(principal.clone(), attributes, [kind_of].into()).ok()?;
        let mut cell = Self {
            principal,
            action: method.action.clone(),
            entities: Entities::from_entities([entity, method.entity.clone()], None).ok()?,
            plain: Vec::new(),
            still: Conditions::default(),
            moving: Vec::new(),
            nothing,
            looks: Looks::default(),
            scoped: false,
            matched: RwLock::default(),
            answers: RwLock::default(),
        };
        for known in rules {
            if scope::concerns(&known.policy, &principals, &method.within) {
                cell.add(known, all)?;
            }
        }
        Some(cell)
    }

    /// Sorts in a rule that concerns this cell.
    fn add(&mut self, known: &Known, all: &Rules) -> Option<()> {
        self.looks = self.looks.or(known.looks);
        self.scoped |= known.scope != Scope::Any;
        let Some(conditions) = &known.conditions else {
            self.plain.push(all.place(&known.rule.name)?);
            return Some(());
        };
        if known.looks.at_no_call() {
            return self.still.add(conditions);
        }
        if let Some((_, group)) = self.moving.iter_mut().find(|(scope, _)| *scope == known.scope) {
            return group.add(conditions);
        }
        let mut group = Conditions::default();
        group.add(conditions)?;
        self.moving.push((known.scope.clone(), group));
        Some(())
    }

    /// Whether the answer is the same for every call of the conversation.
    pub(crate) fn is_still(&self) -> bool {
        self.looks.at_no_call() && !self.scoped
    }

    /// Whether a decision needs to know the arguments.
    pub(crate) fn needs_arguments(&self) -> bool {
        self.scoped || self.looks.resource || self.looks.arguments
    }

    /// The rules that match for every call of the conversation, if they have the resource.
    pub(crate) fn still(
        &self,
        rules: &Rules,
        still: Still,
        (names, method): (&Names, &Method),
    ) -> Option<Arc<Matched>> {
        let key = self.key(still);
        let known = self.matched.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if known.is_some() {
            return known;
        }
        let looks = Looks { untrusted: true, origin: true, ..Looks::default() };
        let context = context::of_conversation(still, looks)?;
        let mut matched = Matched::default();
        let resource = method.itself(names);
        self.ask([&self.still], rules, &resource, &context, &mut matched)?;
        for place in &self.plain {
            match rules.at(*place)?.policy.effect() {
                Effect::Forbid => matched.forbids.push(*place),
                Effect::Permit => matched.permits.push(*place),
            }
        }
        let matched = Arc::new(matched);
        let mut all = self.matched.write().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(all.entry(key).or_insert(matched)))
    }

    /// The rules that match for this resource.
    pub(crate) fn matched(
        &self,
        rules: &Rules,
        still: &Matched,
        resource: &Resource,
        context: &Context,
    ) -> Option<Matched> {
        let mut matched = Matched {
            forbids: rules.with(&still.forbids, resource),
            permits: rules.with(&still.permits, resource),
            failed: rules.with(&still.failed, resource),
        };
        let groups = self.moving.iter().filter(|(scope, _)| scope.has(resource));
        self.ask(groups.map(|(_, group)| group), rules, resource, context, &mut matched)?;
        for places in [&mut matched.forbids, &mut matched.permits, &mut matched.failed] {
            places.sort_unstable();
        }
        Some(matched)
    }

    /// Asks Cedar which of the conditions are met, and adds them.
    fn ask<'a>(
        &self,
        groups: impl IntoIterator<Item = &'a Conditions>,
        rules: &Rules,
        resource: &Resource,
        context: &Context,
        matched: &mut Matched,
    ) -> Option<()> {
        let mut groups = groups.into_iter().filter(|group| !group.is_empty()).peekable();
        if groups.peek().is_none() {
            return Some(());
        }
        let entities = self.entities.clone().add_entities([resource.entity()], None).ok()?;
        let (principal, action) = (self.principal.clone(), self.action.clone());
        let request =
            Request::new(principal, action, resource.uid.clone(), context.clone(), None).ok()?;
        let authorizer = Authorizer::new();
        for Conditions { forbids, permits } in groups {
            let answer = authorizer.is_authorized(&request, forbids, &entities);
            for id in answer.diagnostics().reason() {
                matched.forbids.push(rules.place(id)?);
            }
            for error in answer.diagnostics().errors() {
                let AuthorizationError::PolicyEvaluationError(error) = error;
                matched.failed.push(rules.place(error.policy_id())?);
            }
            let answer = authorizer.is_authorized(&request, permits, &entities);
            for id in answer.diagnostics().reason() {
                matched.permits.push(rules.place(id)?);
            }
        }
        Some(())
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
        let lifts = |role: Role, lift: &&&Known| {
            matches!(
                (role, lift.role),
                (Role::Everyday, Role::Lift { .. })
                    | (Role::Untrusted, Role::Lift { untrusted: true })
            )
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
    pub(crate) fn answer(&self, still: Still, decide: impl FnOnce() -> Decision) -> Decision {
        let key = self.key(still);
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(&key) {
            return known.clone();
        }
        drop(answers);
        let decision = decide();
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        answers.entry(key).or_insert(decision).clone()
    }

    /// As much as a policy looks at.
    fn key(&self, still: Still) -> Still {
        Still {
            untrusted: if self.looks.untrusted { still.untrusted } else { TextSources::NONE },
            origin: if self.looks.origin { still.origin } else { Origin::Http },
        }
    }

    /// Whether a permit may match, and no rule that looks at nothing forbids.
    pub(crate) fn may_allow(&self, rules: &Rules, still: &Matched) -> bool {
        let always = |known: &Known| {
            known.role == Role::Forbid
                && known.looks == Looks::default()
                && known.scope == Scope::Any
        };
        let forbidden = still.forbids.iter().filter_map(|place| rules.at(*place)).any(always);
        let plain = self.plain.iter().filter_map(|place| rules.at(*place));
        let moving = self.moving.iter().map(|(_, group)| group).chain([&self.still]);
        let conditions = moving.flat_map(|group| group.permits.policies());
        let mut permits =
            plain.chain(conditions.filter_map(|policy| rules.named(policy.id().as_ref())));
        !forbidden && permits.any(|known| known.role.permits())
    }
}

impl Conditions {
    fn add(&mut self, policy: &Policy) -> Option<()> {
        let set = match policy.effect() {
            Effect::Forbid => &mut self.forbids,
            Effect::Permit => &mut self.permits,
        };
        set.add(policy.clone()).ok()
    }

    fn is_empty(&self) -> bool {
        self.forbids.is_empty() && self.permits.is_empty()
    }
}

impl Role {
    /// Whom it asks; a person, if in doubt.
    pub(crate) fn approver(self) -> Approver {
        match self {
            Self::Ask(approver) => approver,
            _ => Approver::Person,
        }
    }
}
