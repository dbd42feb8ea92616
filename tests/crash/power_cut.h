#pragma once

// A disk whose power can be cut: ext4 in a file on a loop device, and the shutdown ioctl, which
// drops everything that was not flushed (data, metadata and the file system's journal), as a power
// cut does. Needs root and a loop device.
//
//   std::string why;
//   auto disk = CuttableDisk::Make(dir.File("disk"), 64, &why);   // null: `why` it cannot be here
//   ... use disk->path() ...
//   disk->Cut();        // from now on every operation below path() fails
//   disk->Restore();    // once nobody has files open there: what survived is mounted again

#include <memory>
#include <string>

namespace tallyd {

class CuttableDisk {
 public:
  static std::unique_ptr<CuttableDisk> Make(const std::string& base, int megabytes,
                                            std::string* why);
  ~CuttableDisk();
  CuttableDisk(const CuttableDisk&) = delete;
  CuttableDisk& operator=(const CuttableDisk&) = delete;

  const std::string& path() const { return path_; }
  bool Cut();
  bool Restore();

 private:
  CuttableDisk(std::string image, std::string path)
      : image_(std::move(image)), path_(std::move(path)) {}
  bool Mount(std::string* why);
  void Unmount();

  const std::string image_;
  const std::string path_;
  bool mounted_ = false;
};

}  // namespace tallyd
