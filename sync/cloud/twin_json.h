// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A twin as the API shows it. README.md describes the documents.

#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "sync/cloud/fleet.h"

namespace edgetwin::cloud {

using PathFilter = std::function<bool(std::string_view path)>;

// {"id", "connected", "epoch", "revision", "properties": {"pump/speed": {…}, …}}: the properties
// that pass.
std::string TwinDocument(std::string_view device, const LiveTwin& live, const PathFilter& passes);
// One property's definition and sides.
std::string PropertyDocument(const LiveTwin& live, model::PropertyId id);
// {"pump/speed": 1500, …}: what is desired, without what has been withdrawn.
std::string DesiredDocument(const LiveTwin& live);
// {"pump/speed": {"state": "applied", …}, …} of the properties that pass and that are, or were,
// desired.
std::string StatusDocument(const LiveTwin& live, const PathFilter& passes);
// Where the desired value stands; "" when there is none, nor a word of the device about one.
std::string StatusOf(const LiveTwin& live, model::PropertyId id);
// Every row and dot.
std::string SnapshotDocument(std::string_view device, const LiveTwin& live);
// {"path", "side", …row…} of one change, as it stands now.
std::string ChangeDocument(const LiveTwin& live, const sync::CloudOutput::Change& change);
// {"twin", "seq", "time", "severity", "kind", "text", …} of something that happened to a device.
std::string EventDocument(std::string_view device, const model::Twin& twin,
                          const model::Event& event);
// {"id", "name", "state", …} of something that a device was asked for. Ids are texts: numbers of 64
// bits don't survive every reader of JSON.
std::string CommandDocument(const LiveTwin& live, const model::Command& command);
// {"reported": …, "control": …, "desired": …}: the revisions that are held, or of these the durable
// ones.
std::string RevisionDocument(const LiveTwin& live, bool durable);
// One entry of the list of twins.
std::string SummaryDocument(const Fleet::Listed& twin);

// Strong: differs when anything desired has changed.
std::string DesiredTag(const LiveTwin& live);
// Strong: of the very bytes.
std::string BodyTag(std::string_view body);

}  // namespace edgetwin::cloud
