// SPDX-License-Identifier: Apache-2.0
#include "books.hpp"

#include <algorithm>

#include "galena/core/batch.hpp"

namespace galena::sim {
namespace {

std::string range(std::uint64_t from, std::uint64_t upto) {
  return "[" + std::to_string(from) + ", " + std::to_string(upto) + ")";
}

const LinkInfo* find(const std::vector<LinkInfo>& links, const std::string& name) {
  const auto it = std::find_if(links.begin(), links.end(), [&](const auto& link) { return link.consumer == name; });
  return it == links.end() ? nullptr : &*it;
}

std::string account(const LinkInfo& link) {
  return "selected " + std::to_string(link.selected) + ", sent " + std::to_string(link.sent) + ", acknowledged " +
         std::to_string(link.acknowledged) + ", dropped " + std::to_string(link.dropped);
}

std::string_view topic_of(const Stream& stream, std::uint64_t position) {
  return topics[stream.events[position].topic];
}

bool is_selected(const Holder& holder, const Stream& stream, std::uint64_t position) {
  return selects(holder.plan->selection, topic_of(stream, position));
}

bool is_expected(const Stream& stream, const Holder& holder, Time now) {
  const auto& expect = stream.plan->expect;
  return holder.plan->identity && now - stream.created < stream.plan->hold &&
         std::find(expect.begin(), expect.end(), holder.name) != expect.end();
}

bool is_covered(const Reading& reading, std::uint64_t position) {
  return std::any_of(reading.gaps.begin(), reading.gaps.end(),
                     [&](const auto& gap) { return gap.from <= position && position < gap.upto; });
}

}  // namespace

Stream& Books::open_stream(std::size_t stage, Id id, Time now) {
  streams_.push_back(std::make_unique<Stream>(
      Stream{.number = streams_.size(), .stage = stage, .plan = &plan_.stages[stage].outlet, .created = now}));
  by_id_[id] = streams_.back().get();
  return *streams_.back();
}

void Books::note_append(Stream& stream, std::uint64_t position, std::uint8_t topic, const Content& content) {
  require(position == stream.events.size(), Kind::order, "an event was appended at a position that is not the next");
  stream.events.push_back({topic, content});
}

Holder& Books::begin_life(const SubscriptionPlan& subscription, std::uint32_t life,
                          const std::optional<core::Place>& remembered) {
  const bool lasts = subscription.identity || subscription.store;
  const std::string name = lasts ? subscription.name : subscription.name + "#" + std::to_string(life);
  auto& holder = holders_[name];
  if (!holder) holder = std::make_unique<Holder>(Holder{.name = name, .plan = &subscription});
  holder->life = life;
  holder->gone = false;
  for (auto& [number, reading] : holder->readings) {
    if (!remembered) reading.memory_lost = true;
    if (remembered && find_stream(remembered->stream) == reading.stream) reading.knowers.insert(life);
    ++reading.lives;
  }
  return *holder;
}

/// What nobody but this process knew is forgotten.
void Books::end_life(Holder& holder, std::uint32_t life) {
  for (auto& [number, reading] : holder.readings) {
    if (reading.knowers.erase(life) == 0 || holder.plan->store) continue;
    if (reading.knowers.empty()) reading.memory_lost = true;
  }
}

Stream* Books::find_stream(const Id& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

// ---- credit and acknowledgement

void Books::note_said(LinkBook& link, const core::Grant& grant, const Stream* relay, Time now) {
  require(grant.acknowledged >= link.said, Kind::acknowledgement, "an acknowledgement was taken back");
  require(grant.acknowledged <= link.done, Kind::acknowledgement, [&] {
    return link.holder->name + " acknowledged " + std::to_string(grant.acknowledged) +
           " deliveries, but is done with " + std::to_string(link.done);
  });
  // What a relay has dropped it need not ask for again.
  if (relay != nullptr && relay->plan->buffer.when_full == WhenFull::wait) {
    for (std::uint64_t delivery = link.said; delivery < grant.acknowledged; ++delivery) {
      const auto made = link.outputs.find(delivery);
      if (made == link.outputs.end()) continue;
      for (std::uint64_t at = made->second.first; at < made->second.second; ++at) check_releasable(*relay, at, now);
    }
    link.outputs.erase(link.outputs.begin(), link.outputs.lower_bound(grant.acknowledged));
  }
  link.said = grant.acknowledged;
}

/// Whoever has a place in the relay's stream, or is expected there, is done with the event.
void Books::check_releasable(const Stream& relay, std::uint64_t position, Time now) const {
  for (const auto& at : holders_) {
    const std::string& name = at.first;
    const Holder* const holder = at.second.get();
    if (!holder->plan->identity || holder->plan->source != relay.stage || holder->gone) continue;
    if (!is_selected(*holder, relay, position)) continue;
    const auto it = holder->readings.find(relay.number);
    const auto wrong = [&] {
      return "a relay acknowledged what " + name + " has not handled: position " + std::to_string(position) +
             " of stream " + std::to_string(relay.number);
    };
    if (it == holder->readings.end()) {
      const auto claim = relay.claims.find(holder);
      const bool left = claim != relay.claims.end() && !claim->second;
      require(left || !is_expected(relay, *holder, now), Kind::acknowledgement, wrong);
    } else if (it->second.present && position >= std::max(it->second.begin, it->second.held_from)) {
      require(is_done(*holder, it->second, position), Kind::acknowledgement, wrong);
    }
  }
}

void Books::note_arrived(LinkBook& link, const core::Message& message) {
  if (const auto* wish = std::get_if<core::Subscribe>(&message)) {
    link.limit = wish->credit;
    link.resumes = wish->resume.has_value();
    link.stream->claims[link.holder] = true;
    const auto it = link.holder->readings.find(link.stream->number);
    if (it != link.holder->readings.end()) {
      Reading& reading = it->second;
      // It has no place any more: the outlet counts from here on.
      if (!reading.present || reading.left) reading.simple = false;
      if (link.stream->plan->hold == Duration::zero()) reading.simple = reading.present = false;
    }
  } else if (const auto* grant = std::get_if<core::Grant>(&message)) {
    link.limit.events = std::max(link.limit.events, grant->limit.events);
    link.limit.bytes = std::max(link.limit.bytes, grant->limit.bytes);
    for (; link.acknowledged < grant->acknowledged && !link.unacknowledged.empty(); ++link.acknowledged) {
      link.acknowledged_bytes = link.unacknowledged.front();
      link.unacknowledged.pop_front();
    }
  } else if (const auto* end = std::get_if<core::Cancel>(&message)) {
    if (end->reason == core::reason::cancelled || end->reason == core::reason::stopped) {
      link.left = link.holder->left = true;
      link.stream->claims[link.holder] = false;
      const auto it = link.holder->readings.find(link.stream->number);
      if (it != link.holder->readings.end()) it->second.left = true;
    }
  }
}

void Books::record_sent(LinkBook& link, std::string_view frame, Time now) {
  if (!core::starts_with_batch(frame)) {
    const auto message = core::decode(frame);
    require(message.has_value(), Kind::refused,
            [&] { return "an outlet's message is not readable: " + std::string(frame.substr(0, 60)); });
    if (const auto* accept = std::get_if<core::Accept>(&*message)) note_offer(link, *accept, now);
    if (const auto* gap = std::get_if<Gap>(&*message)) {
      link.holder->readings.at(link.stream->number).sent_gaps.emplace_back(gap->from, gap->upto);
    }
    return;
  }
  while (!frame.empty()) {
    const auto header = core::read_batch_header(frame);
    require(header.has_value(), Kind::refused, "a frame is not a run of batches");
    core::EventReader reader(frame.substr(0, header->bytes), static_cast<bool>(header->origin));
    EventView event;
    for (std::uint32_t i = 0; i < header->count; ++i) {
      const std::size_t left = reader.rest().size();
      require(reader.next(event), Kind::refused, "a batch does not hold its events");
      require(link.sent.events < link.limit.events, Kind::credit, "more events were sent than granted");
      require(link.sent.bytes < link.limit.bytes, Kind::credit, "more bytes were sent than granted");
      require(link.sent.bytes - link.acknowledged_bytes < link.stream->plan->max_in_flight_bytes, Kind::bounds,
              "more is in flight than the outlet may have");
      ++link.sent.events;
      link.sent.bytes += left - reader.rest().size();
      link.unacknowledged.push_back(link.sent.bytes);
    }
    frame.remove_prefix(header->bytes);
  }
}

// ---- places

/// The outlet has taken a subscription in: from where on is it owed what it selects?
void Books::note_offer(LinkBook& link, const core::Accept& accept, Time now) {
  Stream& stream = *link.stream;
  Holder& holder = *link.holder;
  link.number = ++links_;
  require(find_stream(accept.place.stream) == &stream, Kind::order, "an outlet names another stream than its own");
  const std::uint64_t next = stream.events.size();
  const bool first = !std::exchange(stream.offered, true);
  auto [it, is_new] = holder.readings.try_emplace(stream.number);
  Reading& reading = it->second;
  if (is_new) {
    const bool expected = is_expected(stream, holder, now);
    reading.stream = &stream;
    reading.begin = reading.next = reading.counted_upto = first || expected ? 0 : accept.place.from;
    reading.offered_at = next;
    reading.cached = !first && !expected;
    if (reading.cached) reading.held_from = next;
    reading.lives = 1;
    reading.simple = !holder.plan->store && !holder.plan->relays && !expected &&
                     accept.place.from == (first ? 0 : next) && stream.plan->buffer.when_full == WhenFull::wait;
    reading.last_linked = now;
    // Whoever says where it stood, or is expected, has a place of its own; the others go on where another has left.
    for (const auto& [other, before] : stream.readings) {
      if (!before->left || link.resumes || expected) continue;
      for (std::uint64_t at = reading.begin; at < next; ++at) {
        const bool told = std::any_of(before->sent_gaps.begin(), before->sent_gaps.end(),
                                      [&](const auto& gap) { return gap.first <= at && at < gap.second; });
        if ((told || at < before->next || before->positions.contains(at)) && is_selected(*other, stream, at))
          reading.handed_on.insert(at);
      }
    }
    stream.readings.emplace_back(&holder, &reading);
  } else if (!reading.present || reading.left || stream.plan->hold == Duration::zero()) {
    // Nobody has heard of the place that was given up.
    if (!reading.confirmed || reading.left) {
      reading.begin = reading.next = accept.place.from;
      reading.not_owed = accept.place.events;  // another had handled these
      reading.offered_at = next;
      reading.gaps.clear();
    }
    reading.simple = reading.left = false;
    reading.given_up = true;
    reading.held_from = link.resumes ? next : accept.place.from;
  }
  // An attempt that was under way when its consumer left may arrive after that: a place that nobody has.
  if (holder.left) reading.simple = false;
  reading.present = !link.left;
  reading.left = link.left;
  ++reading.offers;
}

void Books::note_accepted(LinkBook& link, const core::Place& at, bool has_memory) {
  const auto it = link.holder->readings.find(link.stream->number);
  require(it != link.holder->readings.end() && find_stream(at.stream) == link.stream, Kind::order,
          "a subscription was accepted that was not offered");
  Reading& reading = it->second;
  if (!has_memory && (!link.holder->plan->identity || (reading.given_up && reading.confirmed))) {
    reading.excused = std::max(reading.excused, at.from);
  }
  reading.confirmed = true;
  // An older life that goes on beside the latest one tells nobody of its place.
  reading.known_to = std::max(reading.known_to, link.life);
  reading.knowers.insert(link.life);
  // The store has one place. If the life that writes it never knew of another stream, what the store had of that stream
  // is forgotten: its writer was another life, at the same time.
  for (auto& [number, other] : link.holder->readings) {
    if (link.holder->plan->store && !other.knowers.contains(link.life)) other.memory_lost = true;
  }
  reading.memory_lost = reading.known_to < link.holder->life;
}

void Books::note_told(LinkBook& link, const Gap& gap) {
  Holder& holder = *link.holder;
  if (gap.from == gap.upto) {  // of a producer before this one
    for (auto& [number, reading] : holder.readings) {
      if (reading.stream != link.stream) reading.foreign_told = true;
    }
    return;
  }
  Reading& reading = holder.readings.at(link.stream->number);
  require(!gap.count || (*gap.count > 0 && *gap.count <= gap.upto - gap.from), Kind::count,
          [&] { return "a gap of " + range(gap.from, gap.upto) + " told " + std::to_string(*gap.count) + " events"; });
  const OutletPlan& plan = *link.stream->plan;
  const bool waits = plan.buffer.when_full == WhenFull::wait;
  const bool kept = !reading.given_up && (plan.hold > Duration::zero() || reading.offers == 1) &&
                    (holder.plan->identity || reading.lives == 1);
  // What was held for the first subscriber may not fit beside what libzmq still has.
  const bool claimed = (gap.reason == core::reason::full || reading.cached) && gap.upto <= reading.offered_at;
  require(!waits || !kept || claimed || link.stream->dead, Kind::gap, [&] {
    return holder.name + " was told that " + range(gap.from, gap.upto) + " is lost (" + gap.reason +
           "), though its place is kept and the producer waits";
  });
  reading.gaps.push_back({gap.from, gap.upto, gap.count, link.life, reading.handled});
}

// ---- events

/// In another stream of the same stage it was not owed the event, or was told of its loss. What it has handled there is
/// later, so it passes over the event here.
bool Books::was_settled(const Holder& holder, const Reading& reading, std::uint64_t position) const {
  const Content& content = reading.stream->events[position].content;
  for (const auto& [number, other] : holder.readings) {
    if (other.stream == reading.stream || other.stream->stage != reading.stream->stage) continue;
    for (std::uint64_t at = 0; at < other.stream->events.size(); ++at) {
      if (other.stream->events[at].content != content) continue;
      if (at < other.begin || other.handed_on.contains(at) || is_covered(other, at)) return true;
    }
  }
  return false;
}

bool Books::is_done(const Holder& holder, const Reading& reading, std::uint64_t position) const {
  return position < reading.excused || reading.excuses.contains(position) || reading.handed_on.contains(position) ||
         !is_selected(holder, *reading.stream, position) ||
         holder.contents.contains(reading.stream->events[position].content) || is_covered(reading, position) ||
         (reading.passed > 0 && was_settled(holder, reading, position));
}

void Books::note_handled(LinkBook& link, const EventView& event) {
  Holder& holder = *link.holder;
  const auto payload = Payload::read(event.payload);
  const Stream& stream = *link.stream;
  require(payload && payload->stream == stream.number && payload->position < stream.events.size() &&
              event.topic == topic_of(stream, payload->position) &&
              payload->content == stream.events[payload->position].content,
          Kind::order, "an event came that was not appended");
  const std::uint64_t position = payload->position;
  const auto said = [&](const char* what) {
    return [&holder, &stream, position, what, &event] {
      return holder.name + ": position " + std::to_string(position) + " of stream " + std::to_string(stream.number) +
             (event.repeated ? ", marked as repeated, " : " ") + what;
    };
  };
  require(is_selected(holder, stream, position), Kind::selection, said("was not selected"));
  require(!link.last || position > *link.last, Kind::order, said("came out of order"));
  link.last = position;

  Reading& reading = holder.readings.at(stream.number);
  ++reading.handled;
  for (; reading.next < position; ++reading.next) {
    if (reading.not_owed > 0 && !is_done(holder, reading, reading.next)) {
      --reading.not_owed;
      reading.excuses.insert(reading.next);
    }
    require(is_done(holder, reading, reading.next), Kind::loss, [&] {
      return holder.name + " was given position " + std::to_string(position) + " of stream " +
             std::to_string(stream.number) + " and never got, nor was told of, " + std::to_string(reading.next);
    });
  }
  reading.next = std::max(reading.next, position + 1);

  const auto [known, is_new] =
      holder.contents.try_emplace(payload->content, Handled{link.life, link.number, 0, holder.life, {}});
  Handled& before = known->second;
  const bool direct = plan_.stages[holder.plan->source].role == Role::producer;
  if (is_new) {
    // Once something was missing of what it stood before, nobody knows how much of the rest it had.
    const bool sent_once = direct && !holder.plan->identity && !holder.plan->store && reading.gaps.empty();
    require(!event.repeated || !sent_once, Kind::repeat, said("is marked as repeated, and comes for the first time"));
  } else if (before.link <= link.number) {  // else it was sent before another life got it, which handled it first
    // A producer that holds no places does not know that another life was there before.
    const bool known = link.life == before.first || stream.plan->hold > Duration::zero();
    require(event.repeated || !known, Kind::repeat, said("comes again without a mark"));
    require(!direct || before.first != link.life || holder.plan->relays || !reading.gaps.empty(), Kind::repeat,
            said("comes twice to a consumer that lives"));
  }
  before.add(link.life, link.number);
  reading.positions.try_emplace(position, Handled{link.life, link.number, reading.handled, holder.life, {}})
      .first->second.add(link.life, link.number);
}

void Books::note_passed_over(LinkBook& link, std::uint64_t events) {
  Reading& reading = link.holder->readings.at(link.stream->number);
  reading.passed += events;
  if (link.stream->plan->hold == Duration::zero()) reading.not_owed += events;
}

void Books::note_ended(LinkBook& link) { link.holder->readings.at(link.stream->number).ended = true; }

// ---- what must hold

void Books::check_outlet(Stream& stream, const core::Outlet& outlet, Time now) {
  const core::Buffer& buffer = outlet.buffer();
  const core::Buffer::Options& options = stream.plan->buffer;
  require(buffer.charged() <= options.limit_bytes, Kind::bounds, "more memory is in use than allowed");
  require(buffer.next() == stream.events.size(), Kind::accounts, "the outlet counts other events than were appended");
  const std::vector<LinkInfo> links = outlet.links();
  for (const auto& at : stream.readings) {
    const Holder* const holder = at.first;
    Reading* const reading = at.second;
    const LinkInfo* link = find(links, holder->name);
    if (link == nullptr) {
      if (!std::exchange(reading->present, false) || reading->left) continue;
      reading->given_up = true;
      const bool over = now - reading->last_linked >= stream.plan->hold;
      const bool may_drop = options.when_full == WhenFull::keep_last || !holder->plan->identity;
      require(over || may_drop || stream.dead, Kind::place,
              [&] { return "the place of " + holder->name + " was given up before its time"; });
      continue;
    }
    if (!link->away) reading->last_linked = now;
    require(link->acknowledged <= link->sent && link->sent + link->dropped <= link->selected, Kind::accounts,
            [&] { return "the account of " + holder->name + " does not balance: " + account(*link); });
    require(link->acknowledged <= reading->handled + reading->passed, Kind::accounts, [&] {
      return "of " + holder->name + " more is acknowledged (" + std::to_string(link->acknowledged) +
             ") than it has handled (" + std::to_string(reading->handled + reading->passed) + ")";
    });
    require(options.when_full != WhenFull::wait || link->dropped == 0 || !reading->simple || reading->offered_at > 0,
            Kind::accounts, "something is dropped without leave");
    if (!reading->simple || reading->given_up) continue;
    for (; reading->counted_upto < stream.events.size(); ++reading->counted_upto) {
      if (is_selected(*holder, stream, reading->counted_upto)) ++reading->counted;
    }
    require(link->selected == reading->counted, Kind::accounts, [&] {
      return "of " + holder->name + " " + std::to_string(link->selected) + " are counted as selected, but it selects " +
             std::to_string(reading->counted);
    });
    require(options.limit_events == 0 || link->held() <= options.limit_events || reading->offered_at > 0, Kind::bounds,
            "more events are held than allowed");
  }
}

void Books::check_rest(const core::Outlet& outlet) const {
  bool away = false;
  for (const LinkInfo& link : outlet.links()) {
    if (link.away) {  // of a process that is gone: its place is still held
      require(link.identity.empty(), Kind::accounts, [&] { return link.consumer + " is back, and counted as away"; });
      away = true;
      continue;
    }
    require(link.sent == link.acknowledged && link.selected == link.acknowledged + link.dropped, Kind::accounts,
            [&] { return "the account of " + link.consumer + " does not balance when all is done: " + account(link); });
  }
  require(away || (outlet.drained() && outlet.outstanding() == 0), Kind::accounts,
          "something is outstanding, though nothing is left to do");
  require(outlet.acknowledged_upto() == outlet.buffer().next(), Kind::accounts,
          "not everything is settled, though nothing is left to do");
}

void Books::check_end() const {
  for (const auto& at : holders_) {
    const std::string& name = at.first;
    const Holder* const holder = at.second.get();
    for (const auto& [number, reading] : holder->readings) check_reading(*holder, reading);
    if (!holder->plan->guaranteed || holder->gone || holder->left) continue;
    for (const Expected& event : expected(holder->plan->source)) {
      if (!selects(holder->plan->selection, topics[event.topic])) continue;
      require(holder->contents.contains(event.content), Kind::loss, [&] {
        return name + " never got what was made of position " + std::to_string(event.content.root & 0xffffffff) +
               " of stream " + std::to_string(event.content.root_stream()) + ", though everything was held for it";
      });
    }
  }
}

void Books::check_reading(const Holder& holder, const Reading& reading) const {
  if (holder.gone || reading.left) return;
  const Stream& stream = *reading.stream;
  std::optional<std::uint64_t> missing;
  std::uint64_t not_owed = reading.not_owed;
  for (std::uint64_t at = reading.begin; at < stream.events.size() && !missing; ++at) {
    if (is_done(holder, reading, at)) continue;
    if (not_owed == 0) missing = at;
    not_owed -= not_owed > 0 ? 1 : 0;
  }
  const bool over = stream.dead && !reading.ended;
  const bool told = over && (reading.foreign_told || reading.memory_lost || !reading.confirmed);
  require(!missing || told, Kind::loss, [&] {
    return holder.name + " never got, nor was told of, position " + std::to_string(*missing) + " of stream " +
           std::to_string(stream.number) + (stream.dead ? ", which is over" : "");
  });
  if (!over) check_counts(holder, reading);
}

void Books::check_counts(const Holder& holder, const Reading& reading) const {
  // A relay may be told of the loss of what it has handled, and not acknowledged.
  if (reading.gaps.empty() || holder.plan->relays) return;
  const Stream& stream = *reading.stream;
  std::vector<std::uint64_t> missing;
  for (std::uint64_t at = reading.begin, not_owed = reading.not_owed; at < stream.events.size(); ++at) {
    if (!is_selected(holder, stream, at) || holder.contents.contains(stream.events[at].content)) continue;
    if (reading.excuses.contains(at) || reading.handed_on.contains(at)) continue;
    if (not_owed > 0) {
      --not_owed;
    } else {
      missing.push_back(at);
    }
  }
  // Two lives of an identity may overlap: what one of them handled is missing to the other, who is told of it. And a
  // relay that has published one thing twice tells of two.
  struct Sum {
    std::uint64_t told = 0;
    std::set<std::uint64_t> missed = {};
  };
  std::map<std::uint32_t, Sum> by_life;
  bool exact = reading.lives == 1 && reading.offers == 1;
  for (const Reading::Told& gap : reading.gaps) {
    exact = exact && gap.count && gap.from >= reading.begin;
    if (!gap.count || gap.from < reading.begin) continue;
    Sum& sum = by_life[gap.life];
    sum.told += *gap.count;
    std::uint64_t missed = 0;
    for (std::uint64_t at = gap.from; at < std::min<std::uint64_t>(gap.upto, stream.events.size()); ++at) {
      const auto handled = reading.positions.find(at);
      bool knows = handled != reading.positions.end() && handled->second.known_to(gap.life);
      // What was dropped for a subscription may be there for others all the same, and come when its place had been
      // given up.
      if (knows && reading.given_up) knows = handled->second.number <= gap.handled;
      if (!is_selected(holder, stream, at) || knows) continue;
      ++missed;
      sum.missed.insert(at);
    }
    require(*gap.count <= missed, Kind::count, [&] {
      return holder.name + ", stream " + std::to_string(stream.number) + ": was told that of " +
             range(gap.from, gap.upto) + " " + std::to_string(*gap.count) + " events are lost, but only " +
             std::to_string(missed) + " are missing";
    });
  }
  for (const auto& at : by_life) {
    const Sum& sum = at.second;
    const auto text = [&](std::size_t of) {
      return holder.name + ", stream " + std::to_string(stream.number) + ": was told that " + std::to_string(sum.told) +
             " events are lost, but " + std::to_string(of) + " are missing";
    };
    require(sum.told <= sum.missed.size(), Kind::count, [&] { return text(sum.missed.size()); });
    require(!exact || sum.told >= missing.size(), Kind::count, [&] { return text(missing.size()); });
  }
}

/// What a stage should have published, of what its producers still answer for.
std::vector<Books::Expected> Books::expected(std::size_t stage) const {
  std::vector<Expected> events;
  const StagePlan& plan = plan_.stages[stage];
  if (plan.role == Role::producer) {
    for (const auto& stream : streams_) {
      if (stream->stage != stage || (stream->dead && !stream->drained)) continue;
      for (const Stream::Event& event : stream->events) events.push_back({event.content, event.topic});
    }
  }
  for (const SubscriptionPlan& input : plan.subscriptions) {
    for (const Expected& event : expected(input.source)) {
      if (!selects(input.selection, topics[event.topic])) continue;
      for (const Content& made : make(plan.makes, event.content)) events.push_back({made, event.topic});
    }
  }
  return events;
}

}  // namespace galena::sim
