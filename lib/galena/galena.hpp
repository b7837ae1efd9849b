// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything a program needs: Node, Producer, ProducerConsumer, Consumer, RemoteProducer, NameService.
#include "galena/base/error.hpp"
#include "galena/stage/consumer.hpp"
#include "galena/stage/name_service.hpp"
#include "galena/stage/node.hpp"
#include "galena/stage/producer.hpp"
#include "galena/stage/producer_consumer.hpp"
#include "galena/stage/remote_producer.hpp"
#include "galena/stage/version.hpp"
