// SPDX-License-Identifier: Apache-2.0
// The byte examples of the protocol text. A change here is a change of the protocol.
#include <doctest/doctest.h>

#include "galena/names/announcement.hpp"
#include "galena/names/message.hpp"

namespace galena::names {
namespace {

using namespace std::chrono_literals;

Id id_full_of(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

std::string hex(const std::string& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text.push_back(digits[static_cast<std::uint8_t>(byte) >> 4]);
    text.push_back(digits[static_cast<std::uint8_t>(byte) & 15]);
  }
  return text;
}

TEST_CASE("messages and datagrams are, byte for byte, what the protocol text shows") {
  Message message;

  message.verb = Verb::hello;
  message.request = 1;
  message.version = 1;
  message.domain = "default";
  message.node = id_full_of(0x11);
  message.lease = 6s;
  CHECK(hex(encode(message)) ==
        "92a568656c6c6f85a2696401a17601a6646f6d61696ea764656661756c74a46e"
        "6f6465c41011111111111111111111111111111111a56c65617365cd1770");
  message = {};
  message.verb = Verb::welcome;
  message.request = 1;
  message.version = 1;
  message.service = id_full_of(0x22);
  message.term = 3;
  message.lease = 6s;
  CHECK(hex(encode(message)) ==
        "92a777656c636f6d6585a2696401a17601a773657276696365c4102222222222"
        "2222222222222222222222a47465726d03a56c65617365cd1770");
  message = {};
  message.verb = Verb::redirect;
  message.request = 1;
  message.service = id_full_of(0x33);
  message.term = 4;
  message.dedicated = true;
  message.endpoints = {"tcp://192.0.2.7:40123"};
  CHECK(hex(encode(message)) ==
        "92a8726564697265637485a2696401a773657276696365c41033333333333333"
        "333333333333333333a47465726d04a9646564696361746564c3a9656e64706f"
        "696e747391b57463703a2f2f3139322e302e322e373a3430313233");
  Registration registration;
  registration.name = "ticks";
  registration.stage = id_full_of(0x44);
  registration.node = id_full_of(0x11);
  registration.host_id = "h";
  registration.host_name = "a";
  registration.pid = 7;
  registration.endpoints = {"tcp://192.0.2.7:5000"};
  message = {};
  message.verb = Verb::register_name;
  message.request = 2;
  message.entry = Entry{registration, {}, {}};
  CHECK(hex(encode(message)) ==
        "92a8726567697374657282a2696402a5656e7472798aa46e616d65a57469636b"
        "73a46b696e64a870726f6475636572a57374616765c410444444444444444444"
        "44444444444444a46e6f6465c41011111111111111111111111111111111a768"
        "6f73745f6964a168a4686f7374a161a370696407a9656e64706f696e747391b4"
        "7463703a2f2f3139322e302e322e373a35303030ab7375627363726962657273"
        "00a361676500");
  message = {};
  message.verb = Verb::registered;
  message.request = 2;
  message.entry = Entry{registration, {3, id_full_of(0x22), 1}, {}};
  message.waiting = 1;
  CHECK(hex(encode(message)) ==
        "92aa7265676973746572656483a2696402a5656e7472798ba46e616d65a57469"
        "636b73a46b696e64a870726f6475636572a57374616765c41044444444444444"
        "444444444444444444a46e6f6465c41011111111111111111111111111111111"
        "a7686f73745f6964a168a4686f7374a161a370696407a9656e64706f696e7473"
        "91b47463703a2f2f3139322e302e322e373a35303030ab737562736372696265"
        "727300a361676500a5746f6b656e9303c4102222222222222222222222222222"
        "222201a777616974696e6701");
  message = {};
  message.verb = Verb::taken;
  message.request = 2;
  message.name = "ticks";
  message.stage = id_full_of(0x55);
  message.entry = Entry{registration, {3, id_full_of(0x22), 1}, 1500ms};
  CHECK(hex(encode(message)) ==
        "92a574616b656e84a2696402a46e616d65a57469636b73a57374616765c41055"
        "555555555555555555555555555555a5656e7472798ba46e616d65a57469636b"
        "73a46b696e64a870726f6475636572a57374616765c410444444444444444444"
        "44444444444444a46e6f6465c41011111111111111111111111111111111a768"
        "6f73745f6964a168a4686f7374a161a370696407a9656e64706f696e747391b4"
        "7463703a2f2f3139322e302e322e373a35303030ab7375627363726962657273"
        "00a3616765cd05dca5746f6b656e9303c4102222222222222222222222222222"
        "222201");
  message = {};
  message.verb = Verb::refused;
  message.request = 2;
  message.reason = "a name has at least one byte";
  CHECK(hex(encode(message)) ==
        "92a77265667573656482a2696402a6726561736f6ebc61206e616d6520686173"
        "206174206c65617374206f6e652062797465");
  message = {};
  message.verb = Verb::renew;
  message.request = 3;
  message.registered = 1;
  message.subscribers = {{"ticks", id_full_of(0x44), 2}};
  CHECK(hex(encode(message)) ==
        "92a572656e657783a2696403a468656c6401ab73756273637269626572739193"
        "a57469636b73c4104444444444444444444444444444444402");
  message = {};
  message.verb = Verb::renewed;
  message.request = 3;
  message.service = id_full_of(0x22);
  message.term = 3;
  CHECK(hex(encode(message)) ==
        "92a772656e6577656483a2696403a773657276696365c4102222222222222222"
        "2222222222222222a47465726d03");
  message.verb = Verb::again;
  CHECK(hex(encode(message)) ==
        "92a5616761696e83a2696403a773657276696365c41022222222222222222222"
        "222222222222a47465726d03");
  message = {};
  message.verb = Verb::unregister;
  message.request = 4;
  message.name = "ticks";
  message.stage = id_full_of(0x44);
  CHECK(hex(encode(message)) ==
        "92aa756e726567697374657283a2696404a46e616d65a57469636b73a5737461"
        "6765c41044444444444444444444444444444444");
  message = {};
  message.verb = Verb::unregistered;
  message.request = 4;
  CHECK(hex(encode(message)) == "92ac756e7265676973746572656481a2696404");
  message = {};
  message.verb = Verb::lookup;
  message.request = 5;
  message.name = "ticks";
  CHECK(hex(encode(message)) == "92a66c6f6f6b757082a2696405a46e616d65a57469636b73");
  message = {};
  message.verb = Verb::found;
  message.request = 5;
  message.name = "ticks";
  CHECK(hex(encode(message)) == "92a5666f756e6483a2696405a46e616d65a57469636b73a5656e747279c0");
  message = {};
  message.verb = Verb::list;
  message.request = 6;
  message.after = "s";
  CHECK(hex(encode(message)) == "92a46c69737482a2696406a56166746572a173");
  message = {};
  message.verb = Verb::listing;
  message.request = 6;
  CHECK(hex(encode(message)) == "92a76c697374696e6783a2696406a7656e747269657390a46d6f7265c2");
  message = {};
  message.verb = Verb::watch;
  message.name = "ticks";
  message.watchers = 1;
  CHECK(hex(encode(message)) == "92a5776174636882a46e616d65a57469636b73a8776174636865727301");
  message = {};
  message.verb = Verb::unwatch;
  message.name = "ticks";
  CHECK(hex(encode(message)) == "92a7756e776174636881a46e616d65a57469636b73");
  message = {};
  message.verb = Verb::changed;
  message.name = "ticks";
  CHECK(hex(encode(message)) == "92a76368616e67656482a46e616d65a57469636b73a5656e747279c0");
  message = {};
  message.verb = Verb::challenge;
  message.name = "ticks";
  message.stage = id_full_of(0x44);
  message.challenge = 9;
  CHECK(hex(encode(message)) ==
        "92a96368616c6c656e676583a46e616d65a57469636b73a57374616765c41044"
        "444444444444444444444444444444a96368616c6c656e676509");
  message.verb = Verb::alive;
  CHECK(hex(encode(message)) ==
        "92a5616c69766583a46e616d65a57469636b73a57374616765c4104444444444"
        "4444444444444444444444a96368616c6c656e676509");
  message.verb = Verb::released;
  CHECK(hex(encode(message)) ==
        "92a872656c656173656483a46e616d65a57469636b73a57374616765c4104444"
        "4444444444444444444444444444a96368616c6c656e676509");
  message = {};
  message.verb = Verb::lost;
  message.name = "ticks";
  message.stage = id_full_of(0x55);
  message.entry = Entry{registration, {3, id_full_of(0x22), 1}, 1500ms};
  CHECK(hex(encode(message)) ==
        "92a46c6f737483a46e616d65a57469636b73a57374616765c410555555555555"
        "55555555555555555555a5656e7472798ba46e616d65a57469636b73a46b696e"
        "64a870726f6475636572a57374616765c4104444444444444444444444444444"
        "4444a46e6f6465c41011111111111111111111111111111111a7686f73745f69"
        "64a168a4686f7374a161a370696407a9656e64706f696e747391b47463703a2f"
        "2f3139322e302e322e373a35303030ab737562736372696265727300a3616765"
        "cd05dca5746f6b656e9303c4102222222222222222222222222222222201");
  message = {};
  message.verb = Verb::announce;
  message.domain = "default";
  message.service = id_full_of(0x33);
  message.term = 4;
  message.dedicated = true;
  message.endpoints = {"tcp://192.0.2.7:40123"};
  CHECK(hex(encode(message)) ==
        "92a8616e6e6f756e636585a6646f6d61696ea764656661756c74a77365727669"
        "6365c41033333333333333333333333333333333a47465726d04a96465646963"
        "61746564c3a9656e64706f696e747391b57463703a2f2f3139322e302e322e37"
        "3a3430313233");
  CHECK(hex(encode(Announcement{"default", id_full_of(0x33), 4, true, 40123})) ==
        "97ac67616c656e612d6e616d657301a764656661756c74c41033333333333333"
        "33333333333333333304c3cd9cbb");
  CHECK(hex(encode(Announcement{"default", {}, 0, false, 0})) ==
        "97ac67616c656e612d6e616d657301a764656661756c74c41000000000000000"
        "00000000000000000000c200");
}

}  // namespace
}  // namespace galena::names
