// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/import_api.h"

#include <utility>
#include <variant>
#include <vector>

#include "sync/cloud/json_text.h"
#include "sync/link/mqtt_link.h"

namespace edgetwin::cloud {
namespace {

using http::Problem;
using http::Request;

sync::HistoryPut ToPut(sync::CarryPart part) {
  sync::HistoryPut put;
  put.inc = part.history.inc;
  for (sync::WireBlock& block : part.history.blocks) {
    put.blocks.push_back({part.paths[block.pid - 1], std::move(block.bytes)});
  }
  for (const sync::WireLoss& loss : part.history.losses) {
    put.losses.push_back({part.paths[loss.pid - 1], loss.record});
  }
  return put;
}

}  // namespace

Result<ImportBody> ReadImport(const std::string& body) {
  ImportBody import;
  sync::CarryReader reader;
  reader.Push(body);
  bool head = false;
  while (true) {
    auto record = reader.Next();
    if (!record) {
      if (!head) return Invalid(record.error().text);
      import.damage = record.error().text;
      break;
    }
    if (!*record) break;
    if (auto* found = std::get_if<sync::CarryHead>(&(*record)->content)) {
      if (Status id = sync::CheckDeviceId(found->device); !id) return Invalid(id.error().text);
      import.head = std::move(*found);
      head = true;
    } else if (auto* part = std::get_if<sync::CarryPart>(&(*record)->content)) {
      import.parts.push_back(std::move(*part));
    }
  }
  if (!head) return Invalid("there is no head: send the file's beginning with each piece of it");
  if (import.damage.empty() && !reader.complete() && reader.offset() != body.size()) {
    import.damage = "at byte " + std::to_string(reader.offset()) + ": a record is cut off";
  }
  return import;
}

struct ImportApi::Import {
  Responder responder;
  ImportBody body;
  std::size_t next = 0;  // Part.
  std::uint64_t blocks = 0, samples = 0, repeated = 0, refused = 0, losses = 0;
};

void ImportApi::AddRoutes(http::Server& server) {
  server.Route("POST", "/v1/import", [this](const Request& request, const Responder& responder) {
    Post(request, responder);
  });
}

void ImportApi::Post(const Request& request, const Responder& responder) {
  if (request.Header("content-type") != sync::kCarryContentType) {
    return responder->Send(Problem(415, "Unsupported Media Type",
                                   "the body is to be " + std::string(sync::kCarryContentType)));
  }
  auto body = ReadImport(request.body);
  if (!body) return responder->Send(Problem(body.error()));
  auto import = std::make_shared<Import>();
  import->responder = responder;
  import->body = *std::move(body);
  GoOn(import);
}

void ImportApi::GoOn(const std::shared_ptr<Import>& import) {
  if (import->next == import->body.parts.size()) return Answer(import);
  sync::CarryPart part = std::move(import->body.parts[import->next++]);
  const std::size_t losses = part.history.losses.size();
  if (part.history.blocks.empty() && losses == 0) return GoOn(import);
  const Status begun = history_.Put(import->body.head.device, ToPut(std::move(part)),
                                    [this, import, losses](Result<sync::HistoryPutDone> done) {
                                      if (!done)
                                        return import->responder->Send(Problem(done.error()));
                                      for (const auto& held : done->held)
                                        ++(held ? import->blocks : import->refused);
                                      import->blocks -= done->repeated;
                                      import->repeated += done->repeated;
                                      import->samples += done->samples;
                                      import->losses += losses;
                                      GoOn(import);
                                    });
  if (!begun) import->responder->Send(Problem(begun.error()));
}

// With a mark that all of it is there with.
void ImportApi::Answer(const std::shared_ptr<Import>& import) {
  auto looked = std::make_shared<Result<sync::HistoryLooked>>(Unavailable("not read"));
  const Status asked = history_.Ask(
      [looked, known = import->body.head.known](CloudHistory& history) {
        *looked = history.Look("", {.known = known, .paths = {}});
      },
      [this, import, looked] {
        if (!*looked) return import->responder->Send(Problem(looked->error()));
        const sync::HistoryMark& known = import->body.head.known;
        JsonObject object;
        object.Text("device", import->body.head.device);
        object.Bool("known", fleet_.Knows(import->body.head.device));
        object.Number("blocks", import->blocks).Number("samples", import->samples);
        object.Number("already_held", import->repeated).Number("refused", import->refused);
        object.Number("losses", import->losses);
        object.Raw("commit", JsonObject()
                                 .Raw("inc", JsonHex((*looked)->mark.inc))
                                 .Number("number", (*looked)->mark.commit)
                                 .Take());
        object.Bool("continues", known.inc == 0 || (*looked)->continues);
        if (!import->body.damage.empty()) {
          object.Text("detail", import->body.damage + "; what precedes it is taken");
        }
        http::Response response;
        response.status = import->body.damage.empty() ? 200 : 422;
        response.body = object.Take() + "\n";
        import->responder->Send(std::move(response));
      });
  if (!asked) import->responder->Send(Problem(asked.error()));
}

}  // namespace edgetwin::cloud
