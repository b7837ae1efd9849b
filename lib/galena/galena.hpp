// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything a program needs: Node, Producer, ProducerConsumer, Consumer, RemoteProducer, NameService. Events of bytes
/// and text need nothing else; for numbers, structs and containers include <galena/msgpack.hpp> as well.
#include "galena/consumer.hpp"
#include "galena/error.hpp"
#include "galena/event.hpp"
#include "galena/export.hpp"
#include "galena/name_service.hpp"
#include "galena/node.hpp"
#include "galena/producer.hpp"
#include "galena/producer_consumer.hpp"
#include "galena/remote_producer.hpp"
#include "galena/version.hpp"
