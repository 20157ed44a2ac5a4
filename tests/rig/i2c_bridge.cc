// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0
//
// i2c_bridge ADDRESS:REGISTER_BYTES…: an I2C bus for a kernel that has no i2c-stub. It is a USB
// adapter, Microchip's MCP2221A, by the kernel's uhid; what hangs on its bus are chips that are
// nothing but memory. From there on everything is the kernel's own: its driver of the adapter, the
// bus, the chips' drivers, and i2c-dev, by which a scenario writes what a chip shows.
// Commands and answers are those of the MCP2221A's datasheet (DS20005565), section 3.1.
#include <fcntl.h>
#include <linux/uhid.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kReportBytes = 64;
using Report = std::array<std::uint8_t, kReportBytes>;

// Vendor-defined reports of 64 bytes in and out, without a number.
constexpr std::uint8_t kDescriptor[] = {
    0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00,
    0x75, 0x08, 0x95, 0x40, 0x81, 0x02, 0x09, 0x03, 0x95, 0x40, 0x91, 0x02, 0xc0,
};

// Registers of one or two bytes; a transfer goes on with the next one.
struct Chip {
  std::size_t register_bytes = 1;
  std::array<std::uint8_t, 512> memory{};
  std::size_t at = 0;

  std::uint8_t& Next() { return memory[at++ % memory.size()]; }
};

class Adapter {
 public:
  explicit Adapter(std::map<unsigned, Chip> chips) : chips_(std::move(chips)) {}

  Report Answer(const Report& asked) {
    enum : std::uint8_t {
      kStatus = 0x10,
      kGetData = 0x40,
      kGpioSet = 0x50,
      kGpioGet = 0x51,
      kSetSettings = 0x60,
      kGetSettings = 0x61,
      kWrite = 0x90,
      kRead = 0x91,
      kReadAfterRepeatedStart = 0x93,
      kWriteWithoutStop = 0x94,
    };
    Report answer{};
    answer[0] = asked[0];
    switch (asked[0]) {
      case kStatus:
        answer[3] = asked[3];  // The speed that was asked for is taken.
        if (asked[2] == kStatus) nobody_there_ = false;
        if (nobody_there_) answer[20] = 0x40;
        break;
      case kWrite:
      case kWriteWithoutStop: Write(asked); break;
      case kRead:
      case kReadAfterRepeatedStart: Read(asked); break;
      case kGetData: GetData(answer); break;
      case kGpioSet:
      case kGpioGet:
      case kSetSettings:
      case kGetSettings: break;
      default: answer[1] = 0x01;  // Not supported.
    }
    return answer;
  }

 private:
  static std::size_t Length(const Report& asked) { return asked[1] | asked[2] << 8; }
  Chip* Find(const Report& asked) {
    const auto chip = chips_.find(asked[3] >> 1);
    nobody_there_ = chip == chips_.end();
    return nobody_there_ ? nullptr : &chip->second;
  }

  // The register's number, then what is written from there on.
  void Write(const Report& asked) {
    Chip* const chip = Find(asked);
    if (chip == nullptr || Length(asked) == 0) return;
    chip->at = asked[4] * chip->register_bytes;
    for (std::size_t i = 1; i < Length(asked) && i + 4 < asked.size(); ++i) {
      chip->Next() = asked[4 + i];
    }
  }
  void Read(const Report& asked) {
    Chip* const chip = Find(asked);
    read_.clear();
    got_ = 0;
    if (chip == nullptr) return;
    for (std::size_t i = 0; i < Length(asked); ++i) read_.push_back(chip->Next());
  }
  // What was read comes in parts.
  void GetData(Report& answer) {
    constexpr std::size_t kPartBytes = 60;
    constexpr std::uint8_t kComplete = 0x55, kNobodyThere = 0x25;
    const std::size_t part = std::min(kPartBytes, read_.size() - got_);
    answer[2] = nobody_there_ ? kNobodyThere : part > 0 ? kComplete : 0;
    answer[3] = static_cast<std::uint8_t>(part);
    std::copy_n(read_.begin() + static_cast<std::ptrdiff_t>(got_), part, answer.begin() + 4);
    got_ += part;
  }

  std::map<unsigned, Chip> chips_;
  std::vector<std::uint8_t> read_;
  std::size_t got_ = 0;
  bool nobody_there_ = false;  // Of the last transfer.
};

bool Send(int fd, const uhid_event& event) {
  return write(fd, &event, sizeof(event)) == static_cast<ssize_t>(sizeof(event));
}

bool Plug(int fd) {
  uhid_event event{};
  event.type = UHID_CREATE2;
  auto& create = event.u.create2;
  constexpr char kName[] = "MCP2221A of the rig";
  std::memcpy(create.name, kName, sizeof(kName));
  create.bus = 3;  // BUS_USB.
  create.vendor = 0x04d8;
  create.product = 0x00dd;
  create.rd_size = sizeof(kDescriptor);
  std::memcpy(create.rd_data, kDescriptor, sizeof(kDescriptor));
  return Send(fd, event);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<unsigned, Chip> chips;
  for (int i = 1; i < argc; ++i) {
    char* rest = nullptr;
    const unsigned long address = std::strtoul(argv[i], &rest, 0);
    chips[static_cast<unsigned>(address)].register_bytes =
        *rest == ':' ? std::strtoul(rest + 1, nullptr, 10) : 1;
  }
  const int fd = open("/dev/uhid", O_RDWR | O_CLOEXEC);
  if (fd < 0 || !Plug(fd)) {
    std::perror("i2c_bridge: /dev/uhid");
    return 1;
  }
  Adapter adapter(std::move(chips));
  uhid_event event{};
  while (read(fd, &event, sizeof(event)) > 0) {
    uhid_event answer{};
    if (event.type == UHID_OUTPUT) {
      Report asked{};
      std::memcpy(asked.data(), event.u.output.data,
                  std::min<std::size_t>(event.u.output.size, asked.size()));
      const Report told = adapter.Answer(asked);
      answer.type = UHID_INPUT2;
      answer.u.input2.size = told.size();
      std::memcpy(answer.u.input2.data, told.data(), told.size());
    } else if (event.type == UHID_GET_REPORT) {
      answer.type = UHID_GET_REPORT_REPLY;
      answer.u.get_report_reply.id = event.u.get_report.id;
      answer.u.get_report_reply.err = 5;
    } else if (event.type == UHID_SET_REPORT) {
      answer.type = UHID_SET_REPORT_REPLY;
      answer.u.set_report_reply.id = event.u.set_report.id;
      answer.u.set_report_reply.err = 5;
    } else {
      continue;
    }
    if (!Send(fd, answer)) {
      std::perror("i2c_bridge: /dev/uhid");
      return 1;
    }
  }
  std::perror("i2c_bridge: /dev/uhid");
  return 1;
}
